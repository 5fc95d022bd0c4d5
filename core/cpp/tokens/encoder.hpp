// From a score on the model grid to token ids.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "score/score.hpp"
#include "tokens/vocabulary.hpp"

namespace midigpt {

struct EncodeOptions {
    // A track to be continued: its first bars only, without TrackEnd; off when either is negative.
    int partial_encode_track_index = -1;
    int partial_encode_track_bars = -1;
    // (track, bar) pairs written as FillInPlaceholder, with their notes in blocks at the end.
    std::set<std::pair<int, int>> multi_fill;
    int window_bars = 0;  // value of NumBars; 0: the longest track's length
    // What becomes of bars with `future` set; by default they need the MaskBar token.
    bool use_span_masks = false;      // written without notes and reported as hidden spans
    bool remove_future_bars = false;  // written without notes and attributes
    // -1: default (on), 0: off, 1: on
    int use_velocity = -1;
    int use_microtiming = -1;
    int genre = -1;  // index in the genre grouping; -1: none
};

using TokenSpan = std::pair<int, int>;  // half-open range of positions

struct EncodeResult {
    std::vector<int> tokens;
    std::vector<TokenSpan> hidden_spans;
};

// Writes a score as MIDI-GPT 0.4.2 does. Token types that the vocabulary lacks are left out and
// values are clamped into their domains, except time signatures and window lengths.
//
// Attribute levels come from `Track::attributes`. Bar attributes are looked up by the index of the
// bar in the score given here: whoever cuts a window out of a piece renumbers those keys.
class Encoder {
public:
    // `pitch_class_sets`: write the pitch class sets of analysed scores too (see attribute_keys.hpp).
    explicit Encoder(const Vocabulary& vocabulary, bool pitch_class_sets = false)
        : vocabulary_(&vocabulary), pitch_class_sets_(pitch_class_sets) {}

    // `score` must be at the configuration's resolution. Throws std::invalid_argument (fills without
    // infill support or outside the score, a hidden bar that cannot be hidden, a window length outside
    // num_bars_map), std::runtime_error (unlisted time signature), std::out_of_range (note index
    // outside the pool).
    EncodeResult encode(const Score& score, const EncodeOptions& options = {}) const;

private:
    const Vocabulary* vocabulary_;
    bool pitch_class_sets_;
};

}  // namespace midigpt
