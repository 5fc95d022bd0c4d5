// Writes one generation step without leaving compiled code: mask, sample, advance, run the model.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/transformer.hpp"
#include "generation/token_sampler.hpp"
#include "session/session_state.hpp"

namespace midigpt {

enum class StepStatus {
    Running,       // paused: call again
    Complete,      // the step is finished
    Full,          // the budget is spent
    NoLegalToken,  // nothing may follow
    Cancelled,     // the flag was set; may be called again
};

// Keeps generated bars in one meter. While its signature is legal, other signatures are not; nor, in
// a bar that has no signature yet, is any content.
struct MeterRule {
    int signature_id = 0;
    int bar_id = 0;
    std::vector<std::uint8_t> signatures;  // per id
    std::vector<std::uint8_t> content;     // per id: notes, and ends of bars and fill blocks
};

class StepLoop {
public:
    struct Settings {
        std::vector<std::uint8_t> permitted;  // per id, 0 never occurs; empty: all may
        std::optional<MeterRule> meter;
        int first_position = 0;  // of the first token after the prompt
        int budget = 0;          // most tokens
    };

    // `sequence` holds the prompt and `logits` are those after it. Transformer, sequence and state
    // must outlive the loop. Throws std::invalid_argument when sizes do not fit the model.
    StepLoop(engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
             TokenSampler sampler, std::span<const float> logits, Settings settings);

    // Writes up to `most` tokens; with `until_news`, pauses as soon as a note or a bar is complete.
    // `cancel` (may be null) is looked at before each token.
    StepStatus run(int most, bool until_news, const std::atomic<bool>* cancel);

    std::span<const std::int32_t> tokens() const { return tokens_; }

private:
    void check(std::size_t vocab_size);
    int choose();
    void keep_meter();
    bool read_last(const std::atomic<bool>* cancel);

    engine::Transformer& transformer_;
    engine::Sequence& sequence_;
    SessionState& state_;
    TokenSampler sampler_;
    Settings settings_;
    std::vector<float> logits_;  // after the last token, if it has been read
    std::vector<std::uint8_t> allowed_;
    std::vector<std::int32_t> tokens_;
    bool last_is_read_ = true;
    bool bar_waits_ = false;  // a bar is open that has no signature yet
};

}  // namespace midigpt
