// From logits to the next token where only a few ranges of a large vocabulary are legal. Nothing is
// allocated after construction, and the others' logits are not looked at.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "events/event_grammar.hpp"

namespace midigpt {

struct SliceRules {
    float temperature = 1.0f;  // at least 0; 0 takes the most likely
    int top_k = 0;             // keep the most likely; 0 is off
    float top_p = 1.0f;        // then those that together reach this share, in (0, 1]; 1 is off

    // Throws std::invalid_argument naming the first value out of range.
    void check() const;
};

class SliceSampler {
public:
    static constexpr int kNone = -1;

    // Throws std::invalid_argument.
    SliceSampler(const SliceRules& rules, std::uint32_t seed);

    // Draws one id of the ranges, which index `logits`; kNone when they are empty.
    int draw(std::span<const float> logits, std::span<const events::IdRange> ranges);

private:
    struct Candidate {
        int id;
        float weight;
    };

    int most_likely(std::span<const float> logits) const;
    void filter(double total);
    int pick();
    double uniform();

    SliceRules rules_;
    std::mt19937 twister_;
    std::vector<Candidate> candidates_;
};

}  // namespace midigpt
