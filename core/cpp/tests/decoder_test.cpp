#include "tests/check.hpp"
#include "tests/configurations.hpp"
#include "tokens/decoder.hpp"
#include "tokens/encoder.hpp"
#include "tokens/fills.hpp"

using namespace midigpt;
using midigpt::tests::everything_config;
using midigpt::tests::yellow_config;

namespace {

// Pseudo-random numbers that are the same everywhere.
class Numbers {
public:
    explicit Numbers(unsigned seed) : state_(seed) {}

    int below(int end) {
        state_ = state_ * 1664525u + 1013904223u;
        return static_cast<int>((state_ >> 8) % static_cast<unsigned>(end));
    }

private:
    unsigned state_;
};

bool same_notes(const Score& a, const Score& b) {
    if (a.notes.size() != b.notes.size() || a.tracks.size() != b.tracks.size()) return false;
    for (std::size_t i = 0; i < a.notes.size(); ++i) {
        const Note& x = a.notes[i];
        const Note& y = b.notes[i];
        if (x.pitch != y.pitch || x.velocity != y.velocity || x.onset_ticks != y.onset_ticks ||
            x.duration_ticks != y.duration_ticks || x.delta != y.delta) {
            return false;
        }
    }
    for (std::size_t t = 0; t < a.tracks.size(); ++t) {
        if (a.tracks[t].attributes != b.tracks[t].attributes) return false;
    }
    return true;
}

Score example() {
    Score score;
    score.resolution = 12;
    score.notes = {{36, 64, 0, 1, 0}, {38, 65, 13, 1, 2}, {60, 70, 0, 12, -1}, {64, 71, 0, 96, 5}};
    score.tracks.resize(2);
    for (auto& track : score.tracks) track.bars.resize(2);
    score.tracks[0].type = TrackType::Drum;
    score.tracks[0].bars[0].note_indices = {0};
    score.tracks[0].bars[1].note_indices = {1};
    score.tracks[1].bars[1].note_indices = {2, 3};
    score.tracks[1].instrument = 48;
    score.tracks[1].attributes = {{"key_signature", 7}, {"bar_BarLevelOnsetDensity_1", 3},
                                  {"bar_PitchClassSet_0", 0}};
    return score;
}

}  // namespace

TEST("decoder: reads what the encoder writes") {
    const Vocabulary vocabulary(everything_config());
    const Score score = example();
    const Score decoded = Decoder(vocabulary).decode(Encoder(vocabulary).encode(score).tokens);
    CHECK(same_notes(score, decoded));
    CHECK_EQUAL(decoded.resolution, 12);
    CHECK_EQUAL(decoded.tracks[1].instrument, 48);
    CHECK(decoded.tracks[0].type == TrackType::Drum);
    CHECK_EQUAL(decoded.tracks[1].bars[0].beat_length, 4.0);
}

TEST("decoder: fill blocks come back to their bars") {
    const Vocabulary vocabulary(everything_config());
    EncodeOptions options;
    options.multi_fill = {{0, 1}, {1, 1}};
    const auto tokens = Encoder(vocabulary).encode(example(), options).tokens;
    CHECK(same_notes(example(), Decoder(vocabulary).decode(tokens)));
}

TEST("fills: each start opens a block that ends at the next end") {
    const Vocabulary vocabulary(yellow_config());
    const int hole = vocabulary.encode(TokenType::FillInPlaceholder, 0);
    const int start = vocabulary.encode(TokenType::FillInStart, 0);
    const int end = vocabulary.encode(TokenType::FillInEnd, 0);
    const std::vector<int> ids = {hole, 5, hole, hole, start, 7, end, 9, start, 8};
    CHECK_EQUAL(resolve_fills(ids, vocabulary), std::vector<int>{7, 5, 8, hole});
    const std::vector<int> nested = {hole, 5, hole, start, start, 7, end};
    CHECK_EQUAL(resolve_fills(nested, vocabulary), std::vector<int>{start, 7, 5, 7});
    CHECK_EQUAL(resolve_fills({}, vocabulary), std::vector<int>{});
}

TEST("decoder: a track end that closes nothing is ignored") {
    const Vocabulary vocabulary(yellow_config());
    const int end = vocabulary.encode(TokenType::TrackEnd, 0);
    const int track = vocabulary.encode(TokenType::Track, 0);
    const std::vector<int> ids = {end, end, track, end, end, track};
    CHECK_EQUAL(Decoder(vocabulary).decode(ids).tracks.size(), std::size_t{2});
}

TEST("decoder: any sequence of ids decodes, and its score encodes") {
    const Vocabulary vocabulary(everything_config());
    const Decoder decoder(vocabulary);
    for (unsigned seed = 0; seed < 200; ++seed) {
        Numbers numbers(seed);
        std::vector<int> ids(300);
        for (int& id : ids) {
            id = numbers.below(numbers.below(2) == 0 ? 40 : vocabulary.size());
        }
        Score score = decoder.decode(ids);
        for (const auto& track : score.tracks) {
            for (const auto& bar : track.bars) {
                for (int index : bar.note_indices) {
                    CHECK(index >= 0 && index < static_cast<int>(score.notes.size()));
                }
            }
        }
        EncodeOptions options;
        options.window_bars = 4;
        Encoder(vocabulary).encode(score, options);
    }
}

TEST("decoder: ids outside the vocabulary are errors that say where") {
    const Vocabulary vocabulary(yellow_config());
    const std::vector<int> ids = {0, 2, 9999};
    CHECK_THROWS(std::out_of_range, "token id 9999 at position 2", Decoder(vocabulary).decode(ids));
}
