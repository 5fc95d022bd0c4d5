#include "session/window.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace midigpt {
namespace {

struct BarKey {
    std::string_view prefix;  // up to and including the last underscore
    int bar = 0;
};

std::optional<BarKey> parse_bar_key(std::string_view key) {
    if (!key.starts_with("bar_")) return std::nullopt;
    const std::size_t digits = key.rfind('_') + 1;
    BarKey parsed{key.substr(0, digits), 0};
    const char* end = key.data() + key.size();
    const auto [stop, error] = std::from_chars(key.data() + digits, end, parsed.bar);
    if (error != std::errc{} || stop != end || parsed.bar < 0) return std::nullopt;
    return parsed;
}

bool inside(int bar, int start, int end) { return start <= bar && bar < end; }

}  // namespace

Score cut_bars(const Score& piece, int start, int end) {
    Score window;
    window.resolution = piece.resolution;
    window.tempo = piece.tempo;
    window.tracks.reserve(piece.tracks.size());
    for (const Track& track : piece.tracks) {
        Track& out = window.tracks.emplace_back();
        out.instrument = track.instrument;
        out.type = track.type;
        out.attributes = track.attributes;
        for (int b = start; b < end; ++b) {
            append_bar(piece, track.bars.at(static_cast<std::size_t>(b)), window, out);
        }
    }
    return window;
}

void append_bar(const Score& source, const Bar& bar, Score& target, Track& track) {
    Bar& out = track.bars.emplace_back(bar);
    for (int& index : out.note_indices) {
        target.notes.push_back(source.notes.at(static_cast<std::size_t>(index)));
        index = static_cast<int>(target.notes.size()) - 1;
    }
}

Attributes move_bar_attributes(const Attributes& attributes, int start, int end, int offset) {
    Attributes moved;
    for (const auto& [key, value] : attributes) {
        const auto parsed = parse_bar_key(key);
        if (!parsed) {
            moved.emplace(key, value);
        } else if (inside(parsed->bar, start, end)) {
            moved.emplace(std::string(parsed->prefix) + std::to_string(parsed->bar + offset), value);
        }
    }
    return moved;
}

Attributes bar_attributes_outside(const Attributes& attributes, int start, int end) {
    Attributes out;
    for (const auto& [key, value] : attributes) {
        const auto parsed = parse_bar_key(key);
        if (parsed && !inside(parsed->bar, start, end)) out.emplace(key, value);
    }
    return out;
}

}  // namespace midigpt
