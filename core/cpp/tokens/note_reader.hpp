// The part of decoding that turns the tokens of a bar into notes, one token at a time.
#pragma once

#include <optional>

#include "score/score.hpp"
#include "tokens/vocabulary.hpp"

namespace midigpt {

class NoteReader {
public:
    explicit NoteReader(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}

    // Drum notes have no duration token and last one tick. (One that follows all the same makes a
    // second note, as in MIDI-GPT 0.4.2.)
    void begin_track(TrackType type) {
        drum_ = type == TrackType::Drum;
        velocity_level_ = 0;
        move_to(0);
    }

    void begin_bar() { move_to(0); }

    // Takes any token; returns the note that it completes.
    std::optional<Note> read(TokenType type, int value) {
        const int pitch = pitch_before_;
        pitch_before_ = type == TokenType::NoteOnset ? value : kNoPitch;
        switch (type) {
            case TokenType::TimeAbsolutePos: move_to(value); break;
            case TokenType::VelocityLevel: velocity_level_ = value; break;
            case TokenType::DeltaDirection: delta_sign_ = -1; delta_ = 0; break;
            case TokenType::Delta: delta_ += delta_sign_ * value; break;
            case TokenType::NoteOnset:
                if (drum_) return note(value, 1);
                break;
            case TokenType::NoteDuration:
                if (pitch != kNoPitch) return note(pitch, value + 1);
                break;
            default: break;
        }
        return std::nullopt;
    }

    // The level lasts until it changes, across bars.
    int velocity_level() const { return velocity_level_; }
    void set_velocity_level(int level) { velocity_level_ = level; }

    void set_time(int ticks) { time_ = ticks; }

private:
    static constexpr int kNoPitch = -1;

    void move_to(int time) {
        time_ = time;
        delta_ = 0;
        delta_sign_ = 1;
    }

    Note note(int pitch, int duration) {
        const int velocity = vocabulary_->velocity_bins().velocity(velocity_level_);
        const Note out{pitch, velocity, time_, duration, delta_};
        move_to(time_);
        return out;
    }

    const Vocabulary* vocabulary_;
    bool drum_ = false;
    int time_ = 0;
    int velocity_level_ = 0;
    int delta_ = 0;
    int delta_sign_ = 1;
    int pitch_before_ = kNoPitch;  // pitch of the token before, if that was a NoteOnset
};

}  // namespace midigpt
