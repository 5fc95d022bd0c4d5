// Cutting a window of bars out of a piece, and putting it back.
#pragma once

#include <map>
#include <string>

#include "score/score.hpp"

namespace midigpt {

// Bars [start, end) of every track, with the notes they use.
Score cut_bars(const Score& piece, int start, int end);

// Adds a copy of `bar` of `source`, notes included, to a track of `target`.
void append_bar(const Score& source, const Bar& bar, Score& target, Track& track);

using Attributes = std::map<std::string, int>;

// Bar attributes are stored under keys that end in the number of their bar (attribute_keys.hpp).
// Of those, keeps the ones of bars [start, end) and moves them by `offset` bars; keeps all others.
Attributes move_bar_attributes(const Attributes& attributes, int start, int end, int offset);

// The attributes of bars outside [start, end), and nothing else.
Attributes bar_attributes_outside(const Attributes& attributes, int start, int end);

}  // namespace midigpt
