// Pin the value of a token type. Neither makes the type occur; a value outside the type's domain
// forbids the type altogether.
#pragma once

#include "grammar/constraint.hpp"

namespace midigpt {

// Wherever the type may occur.
class AttributeValueConstraint final : public Constraint {
public:
    AttributeValueConstraint(TokenType type, int value) : type_(type), value_(value) {}
    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;

private:
    TokenType type_;
    int value_;
};

// In one bar of one track. Both count from 0 in the order in which the sequence, prompt included,
// introduces them; the track an autoregressive step writes is therefore the last of its prompt. Bar
// -1 is the header of the track.
class BarAttributeValueConstraint final : public Constraint {
public:
    BarAttributeValueConstraint(TokenType type, int track, int bar, int value)
        : type_(type), track_(track), bar_(bar), value_(value) {}
    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;

private:
    TokenType type_;
    int track_;
    int bar_;
    int value_;
    int current_track_ = -1;
    int current_bar_ = -1;
};

}  // namespace midigpt
