#include "session/session_state.hpp"

#include "grammar/grammar_constraint.hpp"
#include "session/window.hpp"
#include "tests/check.hpp"
#include "tests/configurations.hpp"

using namespace midigpt;
using midigpt::tests::yellow_config;

namespace {

using T = TokenType;

// Two tracks, a melody and drums; every bar holds one note whose pitch says where it is.
Score two_tracks(int bars) {
    Score piece;
    piece.resolution = 12;
    for (int t = 0; t < 2; ++t) {
        Track& track = piece.tracks.emplace_back();
        track.type = t == 1 ? TrackType::Drum : TrackType::Melodic;
        for (int b = 0; b < bars; ++b) {
            track.bars.emplace_back().note_indices = {static_cast<int>(piece.notes.size())};
            piece.notes.push_back({.pitch = 40 + 20 * t + b, .velocity = 80, .duration_ticks = 6});
        }
    }
    return piece;
}

struct Step {
    Vocabulary vocab{yellow_config()};
    Encoder encoder{vocab};
    Decoder decoder{vocab};
    GenerationStep step;
    SessionOptions options{};

    SessionState state(const Score& piece) const {
        ConstraintGraph graph;
        graph.add(std::make_shared<GrammarConstraint>(
            GrammarOptions{.exact_bars = step.is_autoregressive ? 4 : -1,
                           .autoregressive = step.is_autoregressive}));
        return {piece, step, vocab, graph, encoder, decoder, options};
    }

    void write(SessionState& state, std::initializer_list<std::pair<T, int>> tokens) const {
        for (const auto& [type, value] : tokens) {
            const int id = vocab.encode(type, value);
            CHECK(state.allowed()[static_cast<std::size_t>(id)] == 1);
            state.advance(id);
        }
    }
};

std::vector<int> pitches(const Score& score, std::size_t track) {
    std::vector<int> out;
    for (const Bar& bar : score.tracks[track].bars) {
        for (int i : bar.note_indices) out.push_back(score.notes[static_cast<std::size_t>(i)].pitch);
    }
    return out;
}

}  // namespace

TEST("session: fill blocks replace their targets in ascending order") {
    const Step fill{.step = {1, 5, false, {{0, 3}, {1, 2}}}};
    SessionState state = fill.state(two_tracks(6));
    CHECK_EQUAL(fill.vocab.type(state.tokens().back()) == T::FillInStart, true);
    fill.write(state, {{T::NoteOnset, 99}, {T::NoteDuration, 3}, {T::FillInEnd, 0}});
    CHECK_EQUAL(state.progress().bars_done(), 1);
    CHECK(!state.complete());
    fill.write(state, {{T::FillInStart, 0}, {T::NoteOnset, 35}, {T::FillInEnd, 0}});
    CHECK(state.complete());
    CHECK_EQUAL(pitches(state.result(), 0), std::vector{40, 41, 42, 99, 44, 45});
    CHECK_EQUAL(pitches(state.result(), 1), std::vector{60, 61, 35, 63, 64, 65});
    CHECK_EQUAL(state.progress().notes().size(), std::size_t{2});
    CHECK_EQUAL(state.progress().notes()[1].cell, BarCell{1, 2});
    CHECK_THROWS(std::logic_error, "complete", state.advance(0));
}

TEST("session: an autoregressive track is written last and put back in its place") {
    Step ar{.step = {0, 4, true, {{0, 2}}}};
    for (const bool stop : {false, true}) {
        ar.options.stop_after_bars = stop;
        SessionState state = ar.state(two_tracks(4));
        ar.write(state, {{T::Bar, 0}, {T::NoteOnset, 99}, {T::NoteDuration, 3}, {T::BarEnd, 0}});
        CHECK_EQUAL(state.complete(), stop);
        CHECK_EQUAL(pitches(state.result(), 0), std::vector{40, 41, 99, 43});
        CHECK_EQUAL(pitches(state.result(), 1), std::vector{60, 61, 62, 63});
    }
}

TEST("session: copies are independent") {
    const Step fill{.step = {0, 4, false, {{0, 1}}}};
    SessionState state = fill.state(two_tracks(4));
    SessionState attempt = state;
    fill.write(attempt, {{T::NoteOnset, 99}, {T::NoteDuration, 3}, {T::FillInEnd, 0}});
    CHECK(attempt.complete() && !state.complete());
    CHECK_EQUAL(static_cast<int>(state.tokens().size()), state.prompt_length());
}

TEST("session: steps that do not fit are errors") {
    const Score piece = two_tracks(4);
    const auto state = [&](GenerationStep step) { return Step{.step = std::move(step)}.state(piece); };
    CHECK_THROWS(std::invalid_argument, "empty", state({0, 4, false, {}}));
    CHECK_THROWS(std::invalid_argument, "track of 4 bars", state({1, 5, false, {{0, 1}}}));
    CHECK_THROWS(std::invalid_argument, "outside the window", state({0, 4, false, {{0, 4}}}));
    CHECK_THROWS(std::invalid_argument, "2 tracks", state({0, 4, false, {{2, 0}}}));
    CHECK_THROWS(std::invalid_argument, "several", state({0, 4, true, {{0, 0}, {1, 0}}}));
}

TEST("window: attributes of bars move with their bars") {
    const Attributes all{{"bar_Tension_1", 1}, {"bar_Tension_5", 5}, {"note_density", 3},
                         {"bar_odd_name", 7}};
    CHECK_EQUAL(move_bar_attributes(all, 4, 8, -4),
                Attributes{{"bar_Tension_1", 5}, {"bar_odd_name", 7}, {"note_density", 3}});
    CHECK_EQUAL(bar_attributes_outside(all, 4, 8), Attributes{{"bar_Tension_1", 1}});
}
