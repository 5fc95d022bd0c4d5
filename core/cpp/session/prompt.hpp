// The tokens a model sees before it writes the first token of a step.
#pragma once

#include "planning/planner.hpp"
#include "score/score.hpp"
#include "tokens/encoder.hpp"

namespace midigpt {

// Encodes the window of a step. `options` says how hidden bars and the piece header are written; the
// fields that depend on the step are set here. `shift_bar_attributes`: attributes of bars are keyed
// by bars of the piece; otherwise by bars of the window.
//
// An autoregressive step has its track last and ends before its first target bar; an infill step
// ends after the first FillInStart. Throws std::invalid_argument when the step does not fit the
// piece (see check_step) and what Encoder::encode throws.
EncodeResult encode_prompt(const Score& piece, const GenerationStep& step, const Encoder& encoder,
                           const Vocabulary& vocabulary, EncodeOptions options,
                           bool shift_bar_attributes);

// Throws std::invalid_argument naming what is wrong: no target, a window outside the piece, targets
// outside the window, several tracks in an autoregressive step, a piece off the model grid.
void check_step(const Score& piece, const GenerationStep& step, const Vocabulary& vocabulary);

// The track an autoregressive step writes.
int autoregressive_track(const GenerationStep& step);

}  // namespace midigpt
