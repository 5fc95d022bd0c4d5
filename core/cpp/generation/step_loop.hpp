// Writes generation steps without leaving compiled code: read the prompt, then mask, sample, advance,
// run the model. Several loops advance together in one pass over the weights per token.
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
    Running,       // may be advanced further
    Complete,      // the step is finished
    Full,          // the budget is spent
    NoLegalToken,  // nothing may follow
    Cancelled,     // the flag was set; goes on once it is cleared
};

// When a loop hands control back before its tokens are spent.
enum class Pause { Never, AtNews, AtToken };  // news: a note or a bar is complete

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

class StepLoop {
public:
    struct Settings {
        std::vector<std::uint8_t> permitted;  // per id, 0 never occurs; empty: all may
        std::optional<MeterRule> meter;
        int first_position = 0;  // of the first token after the prompt
        int budget = 0;          // most tokens; 0 only reads the prompt
        Pause pause = Pause::Never;
        const std::atomic<bool>* cancel = nullptr;  // looked at before each pass of the model
    };

    // Cuts `sequence` back to what it shares with the prompt, less the last token; only the rest is
    // read. Transformer, sequence, state and flag must outlive the loop. Throws std::invalid_argument
    // when sizes do not fit the model.
    StepLoop(engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
             TokenSampler sampler, Prompt prompt, Settings settings);

    // Up to `most` passes of the model, each of which reads a part of the prompt or ends in a token.
    StepStatus run(int most);

    StepStatus status() const { return status_; }
    std::span<const std::int32_t> tokens() const { return tokens_; }
    int prompt_left() const { return static_cast<int>(prompt_.ids.size()) - read_; }  // tokens to be read

private:
    friend void run_together(std::span<StepLoop* const> loops, int most, const std::atomic<bool>* interrupt);

    void check(std::size_t vocab_size) const;
    bool goes_on();
    engine::Segment next_segment(int room);
    bool take_logits();
    int choose();
    void keep_meter();

    engine::Transformer& transformer_;
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

// As StepLoop::run, for several loops of one transformer, each on a sequence of its own: all in one
// pass over the weights per token. Prompts are read in chunks, side by side with the tokens of others.
// Returns as soon as a loop pauses or ends, or when `interrupt` (may be null) is set. A loop that has
// ended stands aside. Each writes what it would write alone. Throws std::invalid_argument when loops do
// not belong together.
void run_together(std::span<StepLoop* const> loops, int most, const std::atomic<bool>* interrupt = nullptr);

}  // namespace midigpt
