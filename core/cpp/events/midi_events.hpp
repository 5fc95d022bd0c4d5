// Standard MIDI Files to events and back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "events/event.hpp"

namespace midigpt::events {

// The notes of a file in order of onset, equal onsets in the order of the file. Programs belong to
// channels, channel 9 is the drum kit, a release ends the oldest open note of its instrument, pitch
// and channel. Onsets are not limited to kTimes; durations are, to kDurations - 1. Pedals and
// velocities are ignored. Throws std::invalid_argument when the bytes are no MIDI file.
Events read_midi(std::span<const std::uint8_t> file);

struct WriteOptions {
    int velocity = 72;
    // Note-ons before note-offs at one tick, as the reference writes them. Synthesizers then cut off a
    // note that is struck again where it ended.
    bool ons_first = false;
};

struct Written {
    std::vector<std::uint8_t> file;
    int dropped = 0;  // notes of instruments that found no channel
};

// A format 1 file of 50 ticks a quarter note and no tempo event, so that a tick is 10 ms: one track for
// each instrument, in order of first onset. Rests are left out. The rarest melodic instruments beyond
// kMostMelodic are dropped. Throws std::invalid_argument when an event is out of range.
Written write_midi(std::span<const Event> events, const WriteOptions& options = {});

// The channel of each instrument, in order of first onset: at most kMostMelodic melodic ones.
std::vector<int> assign_channels(std::span<const int> instruments);

}  // namespace midigpt::events
