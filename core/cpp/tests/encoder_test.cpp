#include <limits>

#include "tests/check.hpp"
#include "tests/configurations.hpp"
#include "tokens/encoder.hpp"

using namespace midigpt;
using midigpt::tests::everything_config;
using midigpt::tests::yellow_config;

namespace {

// Four bars of 4/4 in one melodic track; the notes go to bar 1.
Score score_with(const std::vector<Note>& notes) {
    Score score;
    score.resolution = 12;
    score.notes = notes;
    Track& track = score.tracks.emplace_back();
    track.bars.resize(4);
    for (int i = 0; i < static_cast<int>(notes.size()); ++i) track.bars[1].note_indices.push_back(i);
    return score;
}

using Said = std::vector<std::pair<std::string, int>>;

// Names and values of the tokens from the `bar`-th Bar to its BarEnd, both left out.
Said bar_content(const Vocabulary& vocabulary, const std::vector<int>& tokens, int bar) {
    Said said;
    int seen = -1;
    for (int id : tokens) {
        const auto name = std::string(token_type_name(vocabulary.type(id)));
        if (name == "BarEnd" && seen == bar) break;
        if (seen == bar) said.emplace_back(name, vocabulary.value(id));
        if (name == "Bar") ++seen;
    }
    return said;
}

}  // namespace

TEST("encoder: notes by onset, then pitch, then order; velocity only when it changes") {
    const Vocabulary vocabulary(yellow_config());
    const Score score =
        score_with({{60, 40, 3, 2}, {60, 82, 3, 1}, {48, 40, 3, 1}, {50, 40, 0, 0}});
    CHECK_EQUAL(bar_content(vocabulary, Encoder(vocabulary).encode(score).tokens, 1),
                Said{{"TimeSig", 2},
                     {"VelocityLevel", 10}, {"NoteOnset", 50}, {"NoteDuration", 0},
                     {"TimeAbsolutePos", 3},
                     {"NoteOnset", 48}, {"NoteDuration", 0},
                     {"NoteOnset", 60}, {"NoteDuration", 1},
                     {"VelocityLevel", 20}, {"NoteOnset", 60}, {"NoteDuration", 0}});
}

TEST("encoder: values are clamped, velocity 0 is not said") {
    const Vocabulary vocabulary(yellow_config());
    const Score score = score_with({{200, 0, 500, 999}, {-5, 999, 500, -3}});
    CHECK_EQUAL(bar_content(vocabulary, Encoder(vocabulary).encode(score).tokens, 1),
                Said{{"TimeSig", 2}, {"TimeAbsolutePos", 191},
                     {"VelocityLevel", 31}, {"NoteOnset", 0}, {"NoteDuration", 0},
                     {"NoteOnset", 127}, {"NoteDuration", 95}});
}

TEST("encoder: drums have no durations") {
    const Vocabulary vocabulary(yellow_config());
    Score score = score_with({{36, 100, 0, 5}});
    score.tracks[0].type = TrackType::Drum;
    CHECK_EQUAL(bar_content(vocabulary, Encoder(vocabulary).encode(score).tokens, 1),
                Said{{"TimeSig", 2}, {"VelocityLevel", 25}, {"NoteOnset", 36}});
}

TEST("encoder: microtiming says its size, and its direction when early") {
    const Vocabulary vocabulary(everything_config());
    const int lowest = std::numeric_limits<int>::min();
    const Score score = score_with({{60, 0, 1, 1, 2}, {61, 0, 1, 1, -3}, {62, 0, 1, 1, lowest}});
    const Encoder encoder(vocabulary);
    CHECK_EQUAL(bar_content(vocabulary, encoder.encode(score).tokens, 1),
                Said{{"TimeSig", 2}, {"TimeAbsolutePos", 1},
                     {"Delta", 2}, {"NoteOnset", 60}, {"NoteDuration", 0},
                     {"DeltaDirection", 0}, {"Delta", 3}, {"NoteOnset", 61}, {"NoteDuration", 0},
                     {"DeltaDirection", 0}, {"Delta", 5}, {"NoteOnset", 62}, {"NoteDuration", 0}});
    EncodeOptions off;
    off.use_microtiming = 0;
    CHECK_EQUAL(bar_content(vocabulary, encoder.encode(score, off).tokens, 1).size(), std::size_t{8});
}

TEST("encoder: fill-ins leave a placeholder and follow at the end") {
    const Vocabulary vocabulary(yellow_config());
    EncodeOptions options;
    options.multi_fill = {{0, 1}, {0, 3}};
    const auto tokens = Encoder(vocabulary).encode(score_with({{60, 100, 0, 12}}), options).tokens;
    CHECK_EQUAL(tokens.front(), vocabulary.encode(TokenType::PieceStart, 1));
    CHECK_EQUAL(bar_content(vocabulary, tokens, 1), Said{{"TimeSig", 2}, {"FillInPlaceholder", 0}});
    const auto id = [&](TokenType type, int value) { return vocabulary.encode(type, value); };
    const std::vector<int> end(tokens.end() - 7, tokens.end());
    CHECK_EQUAL(end, std::vector<int>{id(TokenType::FillInStart, 0), id(TokenType::VelocityLevel, 25),
                                      id(TokenType::NoteOnset, 60), id(TokenType::NoteDuration, 11),
                                      id(TokenType::FillInEnd, 0), id(TokenType::FillInStart, 0),
                                      id(TokenType::FillInEnd, 0)});
    options.multi_fill = {{0, 4}};
    CHECK_THROWS(std::invalid_argument, "track 0, bar 4", Encoder(vocabulary).encode({}, options));
}

TEST("encoder: hidden bars") {
    Score score = score_with({{60, 100, 0, 12}});
    score.tracks[0].bars[1].future = true;
    score.tracks[0].attributes = {{"bar_BarLevelOnsetDensity_1", 4}};
    const Vocabulary masks(everything_config());
    CHECK_EQUAL(bar_content(masks, Encoder(masks).encode(score).tokens, 1),
                Said{{"BarLevelOnsetDensity", 4}, {"TimeSig", 2}, {"MaskBar", 0}});

    EncodeOptions spans;
    spans.use_span_masks = true;
    const auto hidden = Encoder(masks).encode(score, spans);
    CHECK_EQUAL(bar_content(masks, hidden.tokens, 1),
                Said{{"BarLevelOnsetDensity", 4}, {"TimeSig", 2}});
    CHECK_EQUAL(hidden.hidden_spans.size(), std::size_t{1});
    const auto [first, end] = hidden.hidden_spans[0];
    CHECK(masks.is_type(hidden.tokens[static_cast<std::size_t>(first)], TokenType::Bar));
    CHECK(masks.is_type(hidden.tokens[static_cast<std::size_t>(end) - 1], TokenType::BarEnd));
    CHECK_EQUAL(end - first, 4);

    EncodeOptions remove;
    remove.remove_future_bars = true;
    CHECK_EQUAL(bar_content(masks, Encoder(masks).encode(score, remove).tokens, 1),
                Said{{"TimeSig", 2}});

    const Vocabulary yellow(yellow_config());
    CHECK_THROWS(std::invalid_argument, "no MaskBar token", Encoder(yellow).encode(score));
}

TEST("encoder: a partial track stops early and stays open") {
    const Vocabulary vocabulary(yellow_config());
    EncodeOptions options;
    options.partial_encode_track_index = 0;
    const Encoder encoder(vocabulary);
    const auto whole = encoder.encode(score_with({}), options).tokens;
    CHECK(vocabulary.is_type(whole.back(), TokenType::TrackEnd));  // no number of bars: off
    options.partial_encode_track_bars = 2;
    const auto partial = encoder.encode(score_with({}), options).tokens;
    CHECK_EQUAL(partial, std::vector<int>(whole.begin(), whole.begin() + 4 + 2 * 3));
}

TEST("encoder: what it cannot say is an error") {
    const Vocabulary vocabulary(yellow_config());
    const Encoder encoder(vocabulary);
    Score score = score_with({});
    score.tracks[0].bars[2].note_indices = {0};
    CHECK_THROWS(std::out_of_range, "note index 0", encoder.encode(score));
    score = score_with({});
    score.tracks[0].bars[2].ts_numerator = 8;
    CHECK_THROWS(std::runtime_error, "8/4", encoder.encode(score));
    score.tracks[0].bars.resize(5);
    CHECK_THROWS(std::invalid_argument, "5 bars", encoder.encode(score));
}
