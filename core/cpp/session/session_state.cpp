#include "session/session_state.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "session/prompt.hpp"
#include "session/window.hpp"

namespace midigpt {
namespace {

EncodeOptions encode_options(const SessionOptions& options) {
    EncodeOptions out;
    out.use_span_masks = options.use_span_masks;
    out.remove_future_bars = options.remove_future_bars;
    out.use_velocity = options.use_velocity;
    out.use_microtiming = options.use_microtiming;
    out.genre = options.genre;
    return out;
}

Bar empty_bar_like(const Bar& bar) {
    Bar out = bar;
    out.note_indices.clear();
    return out;
}

}  // namespace

SessionState::SessionState(const Score& piece, const GenerationStep& step,
                           const Vocabulary& vocabulary, const ConstraintGraph& constraints,
                           const Encoder& encoder, const Decoder& decoder,
                           const SessionOptions& options)
    : SessionState(piece, step, vocabulary, constraints, decoder, options,
                   encode_prompt(piece, step, encoder, vocabulary, encode_options(options),
                                 !options.reference_defects)) {}

SessionState::SessionState(const Score& piece, const GenerationStep& step,
                           const Vocabulary& vocabulary, const ConstraintGraph& constraints,
                           const Decoder& decoder, const SessionOptions& options,
                           EncodeResult prompt)
    : piece_(piece),
      step_(step),
      vocabulary_(&vocabulary),
      decoder_(&decoder),
      constraints_(constraints),
      options_(options),
      tokens_(std::move(prompt.tokens)),
      prompt_length_(static_cast<int>(tokens_.size())),
      hidden_spans_(std::move(prompt.hidden_spans)),
      progress_(vocabulary, step, piece, tokens_),
      allowed_(static_cast<std::size_t>(vocabulary.size())) {
    for (int id : tokens_) constraints_.step(id, vocabulary);
    if (!step_.is_autoregressive) begin_fill();
    tokens_.reserve(tokens_.size() + 4096);  // advance() rarely allocates
}

std::span<const std::uint8_t> SessionState::allowed() {
    constraints_.mask(*vocabulary_, allowed_);
    return allowed_;
}

void SessionState::advance(int id) {
    if (complete()) throw std::logic_error("the step is complete; it takes no more tokens");
    const TokenType type = vocabulary_->type(id);
    tokens_.push_back(id);
    constraints_.step(id, *vocabulary_);
    progress_.read(id);
    if (type == TokenType::FillInStart) begin_fill();
    if (type == TokenType::TrackEnd) track_ended_ = true;
}

bool SessionState::complete() const {
    if (!step_.is_autoregressive) return progress_.all_done();
    return track_ended_ || (options_.stop_after_bars && progress_.all_done());
}

void SessionState::begin_fill() {
    const auto [t, b] = progress_.current();
    const Track& track = piece_.tracks[static_cast<std::size_t>(t)];
    const Bar& bar = track.bars[static_cast<std::size_t>(b)];
    constraints_.begin_fill(
        {track.type == TrackType::Drum, {bar.ts_numerator, bar.ts_denominator}});
}

Score SessionState::result() const {
    const Score window = decoded_window();
    Score out;
    out.resolution = piece_.resolution;
    out.tempo = piece_.tempo;
    out.tracks.reserve(piece_.tracks.size());
    for (std::size_t t = 0; t < piece_.tracks.size(); ++t) {
        out.tracks.push_back(merged_track(t, window, out));
    }
    return out;
}

// The tracks are those of the piece, in its order.
Score SessionState::decoded_window() const {
    Score window = decoder_->decode(tokens_);
    window.tracks.resize(piece_.tracks.size());
    if (step_.is_autoregressive) {
        auto& tracks = window.tracks;
        std::rotate(tracks.begin() + autoregressive_track(step_), tracks.end() - 1, tracks.end());
    }
    return window;
}

Track SessionState::merged_track(std::size_t index, const Score& window, Score& out) const {
    const Track& before = piece_.tracks[index];
    const Track& decoded = window.tracks[index];
    const int start = step_.start_bar;
    const int end = step_.end_bar;
    Track track;
    track.instrument = decoded.instrument;
    track.type = decoded.type;
    track.attributes = decoded.attributes;
    if (!options_.reference_defects) {
        track.attributes = move_bar_attributes(decoded.attributes, 0, end - start, start);
        track.attributes.merge(bar_attributes_outside(before.attributes, start, end));
    }
    for (int b = 0; b < static_cast<int>(before.bars.size()); ++b) {
        const Bar& old = before.bars[static_cast<std::size_t>(b)];
        const bool reached = b - start < static_cast<int>(decoded.bars.size());
        if (keeps_bar(static_cast<int>(index), b)) {
            append_bar(piece_, old, out, track);
        } else if (reached) {
            append_bar(window, decoded.bars[static_cast<std::size_t>(b - start)], out, track);
            track.bars.back().future = old.future;
        } else {
            track.bars.push_back(empty_bar_like(old));
        }
    }
    return track;
}

bool SessionState::keeps_bar(int track, int bar) const {
    if (bar < step_.start_bar || bar >= step_.end_bar) return true;
    if (step_.bars_to_generate.contains({track, bar})) return false;
    if (step_.is_autoregressive && track == autoregressive_track(step_)) return true;
    const auto& bars = piece_.tracks[static_cast<std::size_t>(track)].bars;
    return bars[static_cast<std::size_t>(bar)].future && !options_.reference_defects;
}

}  // namespace midigpt
