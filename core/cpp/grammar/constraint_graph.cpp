#include "grammar/constraint_graph.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace midigpt {

ConstraintGraph::ConstraintGraph(const ConstraintGraph& other) {
    constraints_.reserve(other.constraints_.size());
    for (const auto& constraint : other.constraints_) constraints_.push_back(constraint->clone());
}

ConstraintGraph& ConstraintGraph::operator=(const ConstraintGraph& other) {
    if (this != &other) *this = ConstraintGraph(other);
    return *this;
}

void ConstraintGraph::add(std::shared_ptr<Constraint> constraint) {
    if (!constraint) throw std::invalid_argument("constraint: none given");
    constraints_.push_back(std::move(constraint));
}

void ConstraintGraph::step(int id, const Vocabulary& vocab) {
    for (const auto& constraint : constraints_) constraint->step(id, vocab);
}

void ConstraintGraph::begin_fill(const FillTarget& target) {
    for (const auto& constraint : constraints_) constraint->begin_fill(target);
}

void ConstraintGraph::mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const {
    std::ranges::fill(allowed, 1);
    for (const auto& constraint : constraints_) constraint->mask(vocab, allowed);
}

void ConstraintGraph::bias(const Vocabulary& vocab, std::span<float> logits) const {
    for (const auto& constraint : constraints_) constraint->bias(vocab, logits);
}

}  // namespace midigpt
