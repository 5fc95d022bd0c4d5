// Upper limits on simultaneous onsets and on onsets per bar.
#pragma once

#include "grammar/constraint.hpp"

namespace midigpt {

// At most `limit` onsets at one position; 0 forbids every note.
class PolyphonyConstraint final : public Constraint {
public:
    explicit PolyphonyConstraint(int limit) : limit_(limit) {}
    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;

private:
    int limit_;
    int onsets_ = 0;
};

// At most `limit` onsets in one bar or fill block; 0 forbids every note.
class DensityConstraint final : public Constraint {
public:
    explicit DensityConstraint(int limit) : limit_(limit) {}
    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;

private:
    int limit_;
    int onsets_ = 0;
};

}  // namespace midigpt
