// From logits to the next token: probabilities of the legal ids, filters, and the draw, by the rules
// of MIDI-GPT 0.4.2 and of midigpt.inference.sampling, with the same random numbers. Nothing is
// allocated after construction.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace midigpt {

struct SamplingRules {
    float temperature = 1.0f;  // above 0
    int top_k = 0;             // keep the most likely; 0 is off
    float top_p = 1.0f;        // keep the most likely that together reach it, in (0, 1]; 1 is off
    int mask_k = 0;            // then drop the most likely, if they are note content; 0 is off
    float mask_p = 0.0f;       // the same for those that together reach it, in [0, 1); 0 is off

    // Throws std::invalid_argument naming the first value out of range.
    void check() const;
    bool filters() const { return top_k > 0 || top_p < 1.0f || mask_k > 0 || mask_p > 0.0f; }
};

class TokenSampler {
public:
    static constexpr int kNone = -1;

    // `note_content`: one byte per id, 1 where the masks may drop it. `weights`: factors on the
    // probabilities, one per id, or empty. Throws std::invalid_argument.
    TokenSampler(const SamplingRules& rules, std::vector<std::uint8_t> note_content,
                 std::vector<float> weights, std::uint32_t seed);

    int vocab_size() const { return static_cast<int>(note_content_.size()); }

    // Draws one of the ids with allowed[id] != 0; kNone when there is none. The logits of other ids
    // are not looked at. Both spans have vocab_size() entries.
    int draw(std::span<const float> logits, std::span<const std::uint8_t> allowed);

private:
    struct Candidate {
        int id;
        float probability;
    };

    void set_probabilities(std::span<const float> logits);
    void reweight();
    void filter();
    int count_likely() const;
    int count_too_likely(int survivors) const;
    int reaching(int count, float share) const;
    bool normalise();
    int race();
    double uniform();

    SamplingRules rules_;
    std::vector<std::uint8_t> note_content_;
    std::vector<float> weights_;
    std::mt19937 twister_;
    std::vector<Candidate> candidates_;  // legal ids, ascending; while filtering, most likely first
    std::vector<Candidate> unfiltered_;
};

}  // namespace midigpt
