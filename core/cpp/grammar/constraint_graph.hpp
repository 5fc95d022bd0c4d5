// A list of constraints that step together and whose masks and biases add up; in the order in
// which they were added, so that one may look at what those before it have left.
#pragma once

#include <memory>
#include <vector>

#include "grammar/constraint.hpp"

namespace midigpt {

class ConstraintGraph {
public:
    ConstraintGraph() = default;
    // Copies are deep: a copy goes its own way from here on.
    ConstraintGraph(const ConstraintGraph& other);
    ConstraintGraph& operator=(const ConstraintGraph& other);
    ConstraintGraph(ConstraintGraph&&) noexcept = default;
    ConstraintGraph& operator=(ConstraintGraph&&) noexcept = default;
    ~ConstraintGraph() = default;

    // The constraint stays shared with the caller, who may still change its settings.
    // Throws std::invalid_argument on a null pointer.
    void add(std::shared_ptr<Constraint> constraint);

    void step(int id, const Vocabulary& vocab);
    void begin_fill(const FillTarget& target);

    // Sets allowed[id] to 1 where no constraint objects, else 0. `allowed` has vocab.size() bytes.
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const;

    // Adds to each logit what the constraints think of the id. `logits` has vocab.size() entries.
    void bias(const Vocabulary& vocab, std::span<float> logits) const;

private:
    std::vector<std::shared_ptr<Constraint>> constraints_;
};

}  // namespace midigpt
