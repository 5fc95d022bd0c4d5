#include "grammar/value_constraints.hpp"

#include "grammar/type_set.hpp"

namespace midigpt {
namespace {

void forbid_other_values(const Vocabulary& vocab, TokenType type, int value,
                         std::span<std::uint8_t> allowed) {
    const int size = vocab.domain_size(type);
    forbid_values(vocab, type, 0, value < 0 ? size : value, allowed);
    if (value >= 0 && value < size) forbid_values(vocab, type, value + 1, size, allowed);
}

}  // namespace

std::unique_ptr<Constraint> AttributeValueConstraint::clone() const {
    return std::make_unique<AttributeValueConstraint>(*this);
}

void AttributeValueConstraint::step(int, const Vocabulary&) {}

void AttributeValueConstraint::mask(const Vocabulary& vocab,
                                    std::span<std::uint8_t> allowed) const {
    forbid_other_values(vocab, type_, value_, allowed);
}

std::unique_ptr<Constraint> BarAttributeValueConstraint::clone() const {
    return std::make_unique<BarAttributeValueConstraint>(*this);
}

void BarAttributeValueConstraint::step(int id, const Vocabulary& vocab) {
    const TokenType type = vocab.type(id);
    if (type == TokenType::Track) {
        ++current_track_;
        current_bar_ = -1;
    } else if (type == TokenType::Bar) {
        ++current_bar_;
    }
}

void BarAttributeValueConstraint::mask(const Vocabulary& vocab,
                                       std::span<std::uint8_t> allowed) const {
    if (current_track_ == track_ && current_bar_ == bar_) {
        forbid_other_values(vocab, type_, value_, allowed);
    }
}

}  // namespace midigpt
