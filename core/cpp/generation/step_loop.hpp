// Writes generation steps without leaving compiled code: read the prompt, then mask, sample, advance,
// run the model.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "generation/loop.hpp"
#include "generation/token_sampler.hpp"
#include "session/session_state.hpp"

namespace midigpt {

// What the model reads before the first choice; positions and flags one per id.
struct Prompt {
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> positions;
    std::vector<std::uint8_t> shown;  // 0 hides a token; empty: all are shown
};

// Keeps generated bars in one meter. While its signature is legal, other signatures are not; nor, in
// a bar that has no signature yet, is any content.
struct MeterRule {
    int signature_id = 0;
    int bar_id = 0;
    std::vector<std::uint8_t> signatures;  // per id
    std::vector<std::uint8_t> content;     // per id: notes, and ends of bars and fill blocks
};

class StepLoop final : public Loop {
public:
    struct Settings {
        std::vector<std::uint8_t> permitted;  // per id, 0 never occurs; empty: all may
        std::optional<MeterRule> meter;
        int first_position = 0;  // of the first token after the prompt
        int budget = 0;          // most tokens; 0 only reads the prompt
        Pause pause = Pause::Never;
        const std::atomic<bool>* cancel = nullptr;
    };

    // Cuts `sequence` back to what it shares with the prompt, less the last token; only the rest is
    // read. Transformer, sequence, state and flag must outlive the loop. Throws std::invalid_argument
    // when sizes do not fit the model.
    StepLoop(engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
             TokenSampler sampler, Prompt prompt, Settings settings);

    StepStatus status() const override { return status_; }
    std::span<const std::int32_t> tokens() const { return tokens_; }
    int prompt_left() const override { return static_cast<int>(prompt_.ids.size()) - read_; }

private:
    void check(std::size_t vocab_size) const;
    bool goes_on() override;
    engine::Segment next_segment(int room) override;
    bool take_logits() override;
    int choose();
    void keep_meter();

    engine::Sequence& sequence_;
    SessionState& state_;
    TokenSampler sampler_;
    Prompt prompt_;
    Settings settings_;
    StepStatus status_ = StepStatus::Running;
    int read_ = 0;     // tokens of the prompt that the sequence holds
    int reading_ = 0;  // and that the pass under way adds
    std::int32_t position_ = 0;  // of the newest token
    std::vector<float> logits_;
    std::vector<std::uint8_t> allowed_;
    std::vector<std::int32_t> tokens_;
    bool bar_waits_ = false;  // a bar is open that has no signature yet
};

}  // namespace midigpt
