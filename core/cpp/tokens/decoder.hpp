// From token ids to a score on the model grid.
#pragma once

#include <span>

#include "score/score.hpp"
#include "tokens/vocabulary.hpp"

namespace midigpt {

// Reads any sequence of valid ids, well-formed or not, as MIDI-GPT 0.4.2 does: what makes no sense
// where it stands is ignored.
class Decoder {
public:
    explicit Decoder(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}

    // The score is at the configuration's `resolution`, at 120 quarter notes a minute. Attribute
    // tokens become entries of `Track::attributes` (keys: attribute_keys.hpp). Throws
    // std::out_of_range, naming the position, when an id is outside the vocabulary.
    Score decode(std::span<const int> ids) const;

private:
    const Vocabulary* vocabulary_;
};

}  // namespace midigpt
