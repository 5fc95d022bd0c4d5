// The event vocabulary of the Anticipatory Music Transformer (Thickstun et al., arXiv 2306.08620): a
// note is three ids, time, duration, instrument and pitch. Ids are numbered from 0; a text-to-music
// model puts them behind its text ids.
#pragma once

#include <cstdint>
#include <vector>

namespace midigpt::events {

inline constexpr int kTicksPerSecond = 100;
inline constexpr int kTimes = 10000;     // onset 0 .. 99.99 s
inline constexpr int kDurations = 1000;  // 0 .. 9.99 s
inline constexpr int kPitches = 128;
inline constexpr int kDrums = 128;  // as an instrument; 0..127 are General MIDI programs
inline constexpr int kInstruments = kDrums + 1;
inline constexpr int kNotes = kInstruments * kPitches;

inline constexpr int kDurationOffset = kTimes;
inline constexpr int kNoteOffset = kDurationOffset + kDurations;
inline constexpr int kRest = kNoteOffset + kNotes;  // in the place of a note: nothing until here
inline constexpr int kControlOffset = kRest + 1;    // from an event's id to that of the same control
inline constexpr int kSeparator = kControlOffset + kRest;
inline constexpr int kAutoregress = kSeparator + 1;
inline constexpr int kAnticipate = kAutoregress + 1;
inline constexpr int kVocabulary = kAnticipate + 1;

inline constexpr int kRestNote = kNotes;      // value of `note` in a rest
inline constexpr int kRestSpacing = 100;      // ticks without an event, at the most
inline constexpr int kAnticipation = 500;     // ticks by which controls stand earlier than events
inline constexpr int kUnknownDuration = 25;   // of a note that is never released
inline constexpr int kMostMelodic = 15;       // instruments besides the drums: one channel each

struct Event {
    std::int32_t time = 0;      // ticks; beyond kTimes only until the piece is cut into windows
    std::int32_t duration = 0;  // ticks
    std::int32_t note = 0;      // 128 * instrument + pitch, or kRestNote

    int instrument() const { return note / kPitches; }
    int pitch() const { return note % kPitches; }
    bool is_rest() const { return note == kRestNote; }
    bool operator==(const Event&) const = default;
};

using Events = std::vector<Event>;

}  // namespace midigpt::events
