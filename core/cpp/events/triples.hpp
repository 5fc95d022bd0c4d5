// Events as token ids, in threes, and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "events/event.hpp"

namespace midigpt::events {

using Ids = std::vector<std::int32_t>;

// Ids of events, or with `as_controls` of controls. Throws std::invalid_argument naming the first
// event that is out of range; rests cannot be controls.
Ids to_ids(std::span<const Event> events, bool as_controls = false);

struct Parsed {
    Events notes;  // in the order of the ids, without rests
    int malformed = 0;
};

// Reads triples: controls become notes; a boundary (three separators) moves what follows to the end of
// what is before it. A malformed triple is dropped and counted, an incomplete tail dropped.
Parsed parse(std::span<const std::int32_t> ids);

// The first thing that is wrong with ids as a piece's events, mode token left out; empty if nothing is.
// A right sequence has whole triples of one block each, rests of duration 0, and neither the times of
// events nor those of controls decrease between two boundaries.
std::string find_fault(std::span<const std::int32_t> ids);

// Adds rests so that no gap exceeds kRestSpacing, between events and up to `end` ticks.
Events pad(std::span<const Event> events, int end = 0);

struct Woven {
    Ids ids;
    int left_over = 0;  // controls too late to be placed
};

// Puts controls kAnticipation ticks earlier among the events (padded before). Both sorted by time.
// Throws std::invalid_argument as to_ids().
Woven weave(std::span<const Event> events, std::span<const Event> controls);

}  // namespace midigpt::events
