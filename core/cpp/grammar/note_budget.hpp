// A number of notes for each bar, reached without haste at its end.
#pragma once

#include "grammar/constraint.hpp"

namespace midigpt {

// From `least` to `most` onsets in each bar or fill block; fewer only where nothing else is legal, so
// it belongs at the end of a graph. As the bar goes on, the count is drawn towards the share of both
// bounds that the time so far deserves: whatever would leave the corridor between them, widened by the
// spread of a Poisson count, becomes less likely by a factor of e for each note beyond.
class NoteBudget final : public Constraint {
public:
    static constexpr int kUnbounded = 0;  // for `most`

    // Throws std::invalid_argument unless 1 <= least <= most, or most is kUnbounded.
    NoteBudget(int least, int most);
    std::unique_ptr<Constraint> clone() const override;
    void step(int id, const Vocabulary& vocab) override;
    void mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const override;
    void bias(const Vocabulary& vocab, std::span<float> logits) const override;
    void begin_fill(const FillTarget& target) override;

private:
    // Notes that `count` lacks, or has too many, at a share 0..1 of the bar.
    float lacking(int count, float share) const;
    float beyond(int count, float share) const;

    int least_;
    int most_;
    float spread_;
    int onsets_ = 0;        // in this bar or fill block
    int onsets_here_ = 0;   // of them at this position
    int position_ = 0;
    TimeSignature meter_{4, 4};
    bool in_block_ = false;
};

}  // namespace midigpt
