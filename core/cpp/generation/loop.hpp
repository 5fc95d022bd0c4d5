// Loops that write tokens after a prompt without leaving compiled code, and how several advance together
// in one pass over the weights per token.
#pragma once

#include <atomic>
#include <span>

#include "engine/transformer.hpp"

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

class Loop {
public:
    virtual ~Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Up to `most` passes of the model, each of which reads a part of the prompt or ends in a token.
    StepStatus run(int most);

    virtual StepStatus status() const = 0;
    virtual int prompt_left() const = 0;  // tokens to be read

protected:
    explicit Loop(engine::Transformer& transformer, const std::atomic<bool>* cancel)
        : transformer_(transformer), cancel_(cancel) {}

    static bool is_set(const std::atomic<bool>* flag) {
        return flag != nullptr && flag->load(std::memory_order_relaxed);
    }

    // Whether another pass is wanted; settles the status.
    virtual bool goes_on() = 0;
    // The next tokens to be read: at most `room` of the prompt, then the newest one.
    virtual engine::Segment next_segment(int room) = 0;
    // The rows of the head that the next choice looks at.
    virtual engine::VocabularySlice rows() const { return {0, transformer_.shape().vocab_size}; }
    // After a pass: the prompt is further read, or the next token is chosen. Returns whether to pause.
    virtual bool take_logits() = 0;

    engine::Transformer& transformer_;
    const std::atomic<bool>* cancel_;  // looked at before each pass of the model; may be null

private:
    friend void run_together(std::span<Loop* const> loops, int most, const std::atomic<bool>* interrupt);
};

// As Loop::run, for several loops, each on a sequence of its own: those of one transformer in one pass
// over the weights per token. Prompts are read in chunks, side by side with the tokens of others.
// Returns as soon as a loop pauses or ends, or when `interrupt` (may be null) is set. A loop that has
// ended stands aside. Each writes what it would write alone.
void run_together(std::span<Loop* const> loops, int most, const std::atomic<bool>* interrupt = nullptr);

}  // namespace midigpt
