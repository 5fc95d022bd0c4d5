#include "session/prompt.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "session/window.hpp"

namespace midigpt {
namespace {

std::string interval(int start, int end) {
    return "[" + std::to_string(start) + ", " + std::to_string(end) + ")";
}

[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument(what); }

void continue_last_track(Score& window, int track, int bars_shown, EncodeOptions& options) {
    auto& tracks = window.tracks;
    std::rotate(tracks.begin() + track, tracks.begin() + track + 1, tracks.end());
    options.partial_encode_track_index = static_cast<int>(tracks.size()) - 1;
    options.partial_encode_track_bars = bars_shown;
}

void cut_after_first(std::vector<int>& tokens, int id) {
    const auto found = std::find(tokens.begin(), tokens.end(), id);
    if (found != tokens.end()) tokens.erase(found + 1, tokens.end());
}

}  // namespace

EncodeResult encode_prompt(const Score& piece, const GenerationStep& step, const Encoder& encoder,
                           const Vocabulary& vocabulary, EncodeOptions options,
                           bool shift_bar_attributes) {
    check_step(piece, step, vocabulary);
    Score window = cut_bars(piece, step.start_bar, step.end_bar);
    if (shift_bar_attributes) {
        for (Track& track : window.tracks) {
            track.attributes = move_bar_attributes(track.attributes, step.start_bar, step.end_bar,
                                                   -step.start_bar);
        }
    }
    options.window_bars = step.end_bar - step.start_bar;
    if (step.is_autoregressive) {
        const auto [track, first_bar] = *step.bars_to_generate.begin();
        continue_last_track(window, track, first_bar - step.start_bar, options);
        return encoder.encode(window, options);
    }
    for (const auto& [track, bar] : step.bars_to_generate) {
        options.multi_fill.emplace(track, bar - step.start_bar);
    }
    EncodeResult prompt = encoder.encode(window, options);
    cut_after_first(prompt.tokens, vocabulary.range(TokenType::FillInStart).first);
    return prompt;
}

void check_step(const Score& piece, const GenerationStep& step, const Vocabulary& vocabulary) {
    const int resolution = vocabulary.config().resolution;
    if (piece.resolution != resolution) {
        fail("the piece has " + std::to_string(piece.resolution) +
             " ticks per quarter note; the model grid has " + std::to_string(resolution));
    }
    if (step.start_bar < 0 || step.start_bar >= step.end_bar) {
        fail("window " + interval(step.start_bar, step.end_bar) + " is no range of bars");
    }
    for (const Track& track : piece.tracks) {
        const int bars = static_cast<int>(track.bars.size());
        if (bars < step.end_bar) {
            fail("window " + interval(step.start_bar, step.end_bar) + " ends after a track of " +
                 std::to_string(bars) + " bars");
        }
    }
    if (step.bars_to_generate.empty()) fail("bars_to_generate is empty");
    for (const auto& [track, bar] : step.bars_to_generate) {
        const std::string cell = "(" + std::to_string(track) + ", " + std::to_string(bar) + ")";
        if (track < 0 || track >= static_cast<int>(piece.tracks.size())) {
            fail("bars_to_generate holds " + cell + "; there are " +
                 std::to_string(piece.tracks.size()) + " tracks");
        }
        if (bar < step.start_bar || bar >= step.end_bar) {
            fail("bars_to_generate holds " + cell + ", outside the window " +
                 interval(step.start_bar, step.end_bar));
        }
        if (step.is_autoregressive && track != autoregressive_track(step)) {
            fail("bars_to_generate holds bars of several tracks; an autoregressive step has one");
        }
    }
}

int autoregressive_track(const GenerationStep& step) {
    return step.bars_to_generate.begin()->first;
}

}  // namespace midigpt
