#include "tokens/decoder.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tokens/attribute_keys.hpp"
#include "tokens/fills.hpp"
#include "tokens/note_reader.hpp"

namespace midigpt {
namespace {

template <typename Table>
std::string_view name_in(const Table& table, TokenType type) {
    for (const auto& entry : table) {
        if (entry.type == type) return entry.name;
    }
    return {};
}

// Reads one token after another into a score.
class Reader {
public:
    explicit Reader(const Vocabulary& vocabulary) : vocabulary_(vocabulary), notes_(vocabulary) {
        score_.resolution = vocabulary.config().resolution;
    }

    void read(int id) {
        const TokenType type = vocabulary_.type(id);
        const int value = vocabulary_.value(id);
        switch (type) {
            case TokenType::Track: start_track(value); break;
            case TokenType::TrackEnd: end_track(); break;
            case TokenType::Instrument: instrument(value); break;
            case TokenType::Bar: start_bar(); break;
            case TokenType::TimeSig: time_signature(value); break;
            case TokenType::BarEnd: end_bar(); break;
            case TokenType::NoteOnset:
            case TokenType::TimeAbsolutePos:
            case TokenType::VelocityLevel: break;  // most tokens of a sequence: no attributes
            case TokenType::NoteDuration: duration_attribute(value); break;
            default: attribute(type, value); break;
        }
        if (const auto note = notes_.read(type, value); note && in_bar_) add_note(*note);
    }

    Score take() { return std::move(score_); }

private:
    void start_track(int value) {
        // A track that was never ended goes on.
        if (!in_track_) score_.tracks.emplace_back();
        in_track_ = true;
        track().type = value == 1 ? TrackType::Drum : TrackType::Melodic;
        in_bar_ = false;
        bar_number_ = -1;
        notes_.begin_track(track().type);
    }

    void end_track() {
        in_track_ = false;
        in_bar_ = false;
    }

    void instrument(int value) {
        if (in_track_) track().instrument = vocabulary_.instrument_groups().representative(value);
    }

    void start_bar() {
        ++bar_number_;
        beats_ = 4.0;
        notes_.begin_bar();
        if (!in_track_) return;
        track().bars.emplace_back().beat_length = 0.0;
        in_bar_ = true;
    }

    void time_signature(int value) {
        const auto& listed = vocabulary_.config().time_signatures;
        if (value >= static_cast<int>(listed.size())) return;
        const auto [numerator, denominator] = listed[static_cast<std::size_t>(value)];
        beats_ = 4.0 * numerator / denominator;
        if (!in_bar_) return;
        bar().ts_numerator = numerator;
        bar().ts_denominator = denominator;
    }

    void end_bar() {
        if (in_bar_) bar().beat_length = beats_;
        notes_.set_time(static_cast<int>(beats_ * vocabulary_.config().decode_resolution));
    }

    void duration_attribute(int value) {
        if (in_track_ && bar_number_ < 0) track().attributes["note_duration_dist"] = value;
    }

    void add_note(const Note& note) {
        bar().note_indices.push_back(static_cast<int>(score_.notes.size()));
        score_.notes.push_back(note);
    }

    void attribute(TokenType type, int value) {
        if (!in_track_) return;
        auto& levels = track().attributes;
        const auto bar_name = name_in(kBarAttributes, type);
        if (bar_number_ >= 0 && !bar_name.empty()) {
            levels[bar_attribute_key(bar_name, bar_number_)] = value;
            return;
        }
        auto name = name_in(kTrackAttributes, type);
        if (name.empty()) name = name_in(kDecodedTrackAttributes, type);
        if (!name.empty()) levels[std::string(name)] = value;
    }

    Track& track() { return score_.tracks.back(); }
    Bar& bar() { return track().bars.back(); }

    const Vocabulary& vocabulary_;
    NoteReader notes_;
    Score score_;
    bool in_track_ = false;
    bool in_bar_ = false;
    int bar_number_ = -1;  // in the track; -1 before its first bar
    double beats_ = 4.0;  // length of the bar, taken over at its end
};

void check_ids(std::span<const int> ids, int vocabulary_size) {
    const auto outside = std::find_if(ids.begin(), ids.end(), [&](int id) {
        return id < 0 || id >= vocabulary_size;
    });
    if (outside == ids.end()) return;
    throw std::out_of_range("token id " + std::to_string(*outside) + " at position " +
                            std::to_string(outside - ids.begin()) + " outside 0.." +
                            std::to_string(vocabulary_size - 1));
}

}  // namespace

Score Decoder::decode(std::span<const int> ids) const {
    check_ids(ids, vocabulary_->size());
    Reader reader(*vocabulary_);
    for (int id : resolve_fills(ids, *vocabulary_)) reader.read(id);
    return reader.take();
}

}  // namespace midigpt
