// The score as the core sees it: tracks of bars, notes in one pool.
//
// All times are integer ticks at `Score::resolution` ticks per quarter note; a note's onset counts
// from the start of its bar and its duration may run past the bar line. A note lives in the bar of
// its onset.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace midigpt {

enum class TrackType { Melodic = 0, Drum = 1 };

struct Note {
    int pitch = 60;
    int velocity = 64;
    int onset_ticks = 0;
    int duration_ticks = 0;
    int delta = 0;  // microtiming, in 1/resolution of a tick
};

struct Bar {
    std::vector<int> note_indices;  // into Score::notes
    int ts_numerator = 4;
    int ts_denominator = 4;
    double beat_length = 4.0;  // quarter notes; independent of the time signature
    bool future = false;       // hide this bar from the model

    bool has_notes() const { return !note_indices.empty(); }
};

struct Track {
    std::vector<Bar> bars;
    int instrument = 0;  // General MIDI program, 0..127
    TrackType type = TrackType::Melodic;
    std::map<std::string, int> attributes;
};

struct Score {
    std::vector<Track> tracks;
    std::vector<Note> notes;
    int resolution = 480;  // ticks per quarter note
    int tempo = 500000;    // microseconds per quarter note
};

}  // namespace midigpt
