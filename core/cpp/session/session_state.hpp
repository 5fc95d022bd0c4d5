// One generation step: the prompt, the legal next tokens, the notes so far, the resulting piece.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grammar/constraint_graph.hpp"
#include "planning/planner.hpp"
#include "score/score.hpp"
#include "session/step_progress.hpp"
#include "tokens/decoder.hpp"
#include "tokens/encoder.hpp"

namespace midigpt {

struct SessionOptions {
    // How bars with `future` set are hidden from the model, and what the piece header says; see
    // EncodeOptions.
    bool use_span_masks = false;
    bool remove_future_bars = false;
    int use_velocity = -1;
    int use_microtiming = -1;
    int genre = -1;
    // An autoregressive step is complete after its last target bar; otherwise it goes on to the end
    // of its window, as MIDI-GPT 0.4.2 does, and what follows the targets is thrown away.
    bool stop_after_bars = false;
    // For comparisons with MIDI-GPT 0.4.2 (tags of docs/compatibility.md): look up the attributes of
    // bars as if every window began the piece (D2, D21) and lose the notes of hidden bars (D3).
    bool reference_defects = false;
};

// Sampling repeats: read allowed(), bias() the logits, choose an id, advance(id), until complete().
class SessionState {
public:
    // `piece` is at the resolution of the model grid. An autoregressive step moves its track to the
    // end of the prompt, which stops before the first target bar; an infill prompt stops after the
    // first FillInStart. `constraints` is copied. Vocabulary and decoder must outlive the state.
    //
    // Throws std::invalid_argument when the step does not fit the piece (window or targets outside,
    // no target, several tracks in an autoregressive step) and what Encoder::encode throws.
    SessionState(const Score& piece, const GenerationStep& step, const Vocabulary& vocabulary,
                 const ConstraintGraph& constraints, const Encoder& encoder,
                 const Decoder& decoder, const SessionOptions& options = {});

    // Prompt and generated tokens.
    const std::vector<int>& tokens() const { return tokens_; }
    int prompt_length() const { return prompt_length_; }
    // Positions in the prompt that the model must not see.
    const std::vector<TokenSpan>& hidden_spans() const { return hidden_spans_; }

    // One byte per id: 1 if it may come next. Valid until the next call.
    std::span<const std::uint8_t> allowed();
    // Adds what the constraints think of each id; `logits` has one entry per id.
    void bias(std::span<float> logits) const { constraints_.bias(*vocabulary_, logits); }

    // Throws std::logic_error when the step is complete, std::out_of_range for an unknown id.
    void advance(int id);
    bool complete() const;

    const Vocabulary& vocabulary() const { return *vocabulary_; }
    const StepProgress& progress() const { return progress_; }

    // The piece with the bars of the window replaced, at the resolution of the model grid: targets
    // are new, what else the prompt showed has gone through the encoding. Hidden bars, and bars of
    // an autoregressive track that are no targets, are as before; targets not reached are empty.
    // May be called before the step is complete.
    Score result() const;

private:
    SessionState(const Score& piece, const GenerationStep& step, const Vocabulary& vocabulary,
                 const ConstraintGraph& constraints, const Decoder& decoder,
                 const SessionOptions& options, EncodeResult prompt);

    Score decoded_window() const;
    Track merged_track(std::size_t index, const Score& window, Score& out) const;
    bool keeps_bar(int track, int bar) const;
    void begin_fill();

    Score piece_;
    GenerationStep step_;
    const Vocabulary* vocabulary_;
    const Decoder* decoder_;
    ConstraintGraph constraints_;
    SessionOptions options_;
    std::vector<int> tokens_;
    int prompt_length_;
    std::vector<TokenSpan> hidden_spans_;
    StepProgress progress_;
    bool track_ended_ = false;
    std::vector<std::uint8_t> allowed_;
};

}  // namespace midigpt
