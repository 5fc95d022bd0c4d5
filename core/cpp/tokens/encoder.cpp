#include "tokens/encoder.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tokens/attribute_keys.hpp"

namespace midigpt {
namespace {

// Writes one score; the parts of a piece in the order in which they appear.
class Writer {
public:
    Writer(const Vocabulary& vocabulary, const Score& score, const EncodeOptions& options,
           bool pitch_class_sets)
        : vocabulary_(vocabulary),
          score_(score),
          options_(options),
          pitch_class_sets_(pitch_class_sets),
          velocity_on_(options.use_velocity != 0 && vocabulary.has(TokenType::VelocityLevel)),
          microtiming_on_(options.use_microtiming != 0 && vocabulary.config().emit_delta_tokens &&
                          vocabulary.has(TokenType::Delta)) {
        result_.tokens.reserve(16 * score.tracks.size() + 4 * score.notes.size());
    }

    EncodeResult write() {
        piece_header();
        for (int t = 0; t < track_count(); ++t) track(t);
        for (const auto& [t, b] : options_.multi_fill) fill_block(t, b);
        emit(TokenType::None, 0);
        return std::move(result_);
    }

private:
    void piece_header() {
        emit(TokenType::PieceStart, options_.multi_fill.empty() ? 0 : 1);
        emit(TokenType::UseVelocity, options_.use_velocity == 0 ? 0 : 1);
        emit(TokenType::UseMicrotiming, options_.use_microtiming == 0 ? 0 : 1);
        if (options_.genre >= 0) emit(TokenType::Genre, options_.genre);
        if (vocabulary_.has(TokenType::NumBars)) {
            emit(TokenType::NumBars, vocabulary_.num_bars_value(window_bars()));
        }
    }

    int window_bars() const {
        if (options_.window_bars > 0) return options_.window_bars;
        std::size_t longest = 0;
        for (const auto& track : score_.tracks) longest = std::max(longest, track.bars.size());
        return longest > 0 ? static_cast<int>(longest) : vocabulary_.config().model_dim;
    }

    void track(int t) {
        const Track& track = score_.tracks[static_cast<std::size_t>(t)];
        const bool partial =
            t == options_.partial_encode_track_index && options_.partial_encode_track_bars >= 0;
        emit(TokenType::Track, track.type == TrackType::Drum ? 1 : 0);
        emit(TokenType::Instrument, vocabulary_.instrument_groups().group(track.instrument));
        for (const auto& [type, name] : kTrackAttributes) attribute(track, type, std::string(name));
        int bars = static_cast<int>(track.bars.size());
        if (partial) bars = std::min(bars, options_.partial_encode_track_bars);
        for (int b = 0; b < bars; ++b) bar(t, b);
        if (!partial) emit(TokenType::TrackEnd, 0);
    }

    void bar(int t, int b) {
        const Track& track = score_.tracks[static_cast<std::size_t>(t)];
        const Bar& bar = track.bars[static_cast<std::size_t>(b)];
        const bool removed = bar.future && options_.remove_future_bars;
        const bool filled = !removed && options_.multi_fill.contains({t, b});
        const bool spanned = bar.future && !removed && !filled && options_.use_span_masks;
        const int first = position();

        emit(TokenType::Bar, 0);
        if (!removed) bar_attributes(track, b);
        if (vocabulary_.has(TokenType::TimeSig)) {
            emit(TokenType::TimeSig,
                 vocabulary_.time_signature_value(bar.ts_numerator, bar.ts_denominator));
        }
        if (filled) {
            emit(TokenType::FillInPlaceholder, 0);
        } else if (bar.future && !removed && !spanned) {
            mask_bar(t, b);
        } else if (!bar.future) {
            notes(bar, track.type);
        }
        emit(TokenType::BarEnd, 0);
        if (spanned) result_.hidden_spans.emplace_back(first, position());
    }

    void bar_attributes(const Track& track, int b) {
        for (const auto& [type, name] : kBarAttributes) {
            if (!vocabulary_.has(type)) continue;
            const bool written = attribute(track, type, bar_attribute_key(name, b));
            if (!written && pitch_class_sets_ && type == TokenType::BarLevelPitchClassSet) {
                attribute(track, type, bar_attribute_key(kAnalysedPitchClassSet, b));
            }
        }
    }

    bool attribute(const Track& track, TokenType type, const std::string& key) {
        const auto found = track.attributes.find(key);
        if (found == track.attributes.end()) return false;
        emit(type, found->second);
        return true;
    }

    void mask_bar(int t, int b) {
        if (!vocabulary_.has(TokenType::MaskBar)) {
            throw std::invalid_argument(
                "bar " + std::to_string(b) + " of track " + std::to_string(t) +
                " is to be hidden, but the vocabulary has no MaskBar token; set use_span_masks or "
                "remove_future_bars");
        }
        emit(TokenType::MaskBar, 0);
    }

    void fill_block(int t, int b) {
        const Track& track = score_.tracks[static_cast<std::size_t>(t)];
        emit(TokenType::FillInStart, 0);
        notes(track.bars[static_cast<std::size_t>(b)], track.type);
        emit(TokenType::FillInEnd, 0);
    }

    void notes(const Bar& bar, TrackType track_type) {
        sorted_notes(bar);
        int onset = 0;  // the downbeat needs no position
        int last_level = -1;
        for (const Note* note : sorted_) {
            if (note->onset_ticks > 0 && note->onset_ticks != onset) {
                onset = note->onset_ticks;
                emit(TokenType::TimeAbsolutePos, onset);
            }
            if (velocity_on_) velocity(*note, last_level);
            if (microtiming_on_) microtiming(*note);
            emit(TokenType::NoteOnset, note->pitch);
            if (track_type == TrackType::Melodic) {
                emit(TokenType::NoteDuration, std::max(1, note->duration_ticks) - 1);
            }
        }
    }

    // By onset, then by pitch; notes equal in both keep the order of the bar.
    void sorted_notes(const Bar& bar) {
        sorted_.clear();
        for (int index : bar.note_indices) {
            if (index < 0 || index >= static_cast<int>(score_.notes.size())) {
                throw std::out_of_range("note index " + std::to_string(index) +
                                        " outside the score's " +
                                        std::to_string(score_.notes.size()) + " notes");
            }
            sorted_.push_back(&score_.notes[static_cast<std::size_t>(index)]);
        }
        std::stable_sort(sorted_.begin(), sorted_.end(), [](const Note* a, const Note* b) {
            return std::pair{a->onset_ticks, a->pitch} < std::pair{b->onset_ticks, b->pitch};
        });
    }

    void velocity(const Note& note, int& last_level) {
        const int level = vocabulary_.velocity_bins().level(note.velocity);
        if (level <= 0 || (vocabulary_.config().velocity_sticky && level == last_level)) return;
        emit(TokenType::VelocityLevel, level);
        last_level = level;
    }

    void microtiming(const Note& note) {
        if (note.delta == 0) return;
        if (note.delta < 0) emit(TokenType::DeltaDirection, 0);
        const int largest = vocabulary_.domain_size(TokenType::Delta) - 1;
        emit(TokenType::Delta, std::clamp(note.delta, -largest, largest) * (note.delta < 0 ? -1 : 1));
    }

    void emit(TokenType type, int value) {
        if (vocabulary_.has(type)) result_.tokens.push_back(vocabulary_.encode_clamped(type, value));
    }

    int track_count() const { return static_cast<int>(score_.tracks.size()); }
    int position() const { return static_cast<int>(result_.tokens.size()); }

    const Vocabulary& vocabulary_;
    const Score& score_;
    const EncodeOptions& options_;
    const bool pitch_class_sets_;
    const bool velocity_on_;
    const bool microtiming_on_;
    EncodeResult result_;
    std::vector<const Note*> sorted_;
};

void check_fills(const Score& score, const EncodeOptions& options, const EncoderConfig& config) {
    if (options.multi_fill.empty()) return;
    if (!config.supports_infill) {
        throw std::invalid_argument("multi_fill is set, but the encoder has no fill-in tokens");
    }
    for (const auto& [t, b] : options.multi_fill) {
        const bool inside =
            t >= 0 && t < static_cast<int>(score.tracks.size()) && b >= 0 &&
            b < static_cast<int>(score.tracks[static_cast<std::size_t>(t)].bars.size());
        if (!inside) {
            throw std::invalid_argument("multi_fill has track " + std::to_string(t) + ", bar " +
                                        std::to_string(b) + ", which the score has not");
        }
    }
}

}  // namespace

EncodeResult Encoder::encode(const Score& score, const EncodeOptions& options) const {
    check_fills(score, options, vocabulary_->config());
    return Writer(*vocabulary_, score, options, pitch_class_sets_).write();
}

}  // namespace midigpt
