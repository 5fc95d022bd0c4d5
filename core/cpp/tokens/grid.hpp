// Moving a score between tick resolutions as the model's training data was moved: positions are
// floored, and what that loses may be kept as microtiming.
#pragma once

#include "score/score.hpp"

namespace midigpt {

// Rescales every note of `score` from `source` to `target` ticks per quarter note and sets its
// resolution. Onsets are at least 0, durations at least 1. With `use_delta`, deltas (1/resolution of
// a tick) enter the new position and its fraction becomes the new delta; without, they become 0.
// Throws std::invalid_argument when a resolution is below 1.
void resample(Score& score, int source, int target, bool use_delta);

}  // namespace midigpt
