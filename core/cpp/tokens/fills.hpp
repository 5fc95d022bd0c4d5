// Fill-in prompts keep the notes of their target bars in blocks at the end of the sequence.
#pragma once

#include <span>
#include <vector>

#include "tokens/vocabulary.hpp"

namespace midigpt {

// The sequence up to the first FillInStart, with the k-th FillInPlaceholder replaced by the ids
// between the k-th FillInStart and the FillInEnd (or the end) that follows. A placeholder without a
// block stays. Without fill-in tokens in the vocabulary the ids come back as they are.
std::vector<int> resolve_fills(std::span<const int> ids, const Vocabulary& vocabulary);

}  // namespace midigpt
