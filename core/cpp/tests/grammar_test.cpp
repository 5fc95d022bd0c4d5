#include "grammar/constraint_graph.hpp"
#include "grammar/grammar_constraint.hpp"
#include "grammar/limits.hpp"
#include "grammar/note_budget.hpp"
#include "grammar/value_constraints.hpp"
#include "tests/check.hpp"
#include "tests/configurations.hpp"

using namespace midigpt;
using midigpt::tests::everything_config;
using midigpt::tests::yellow_config;

namespace {

using T = TokenType;

// A vocabulary and a graph over it; tokens go in and allowed values come out by type.
struct Walk {
    Vocabulary vocab;
    ConstraintGraph graph;
    std::vector<std::uint8_t> allowed = std::vector<std::uint8_t>(
        static_cast<std::size_t>(vocab.size()));

    void step(T type, int value = 0) { graph.step(vocab.encode(type, value), vocab); }

    std::vector<int> values(T type) {
        graph.mask(vocab, allowed);
        std::vector<int> out;
        for (int value = 0; value < vocab.domain_size(type); ++value) {
            if (allowed[static_cast<std::size_t>(vocab.encode(type, value))]) out.push_back(value);
        }
        return out;
    }
    bool allows(T type) { return !values(type).empty(); }
};

Walk grammar_walk(const EncoderConfig& config, const GrammarOptions& options = {}) {
    Walk walk{Vocabulary(config), {}};
    walk.graph.add(std::make_shared<GrammarConstraint>(options));
    return walk;
}

int meter(const Walk& walk, int numerator, int denominator) {
    return walk.vocab.time_signature_value(numerator, denominator);
}

}  // namespace

TEST("type set: union, difference and the last word") {
    constexpr TypeSet set{T::PieceStart, T::TrackLevelNomml};
    static_assert(set.contains(T::PieceStart) && set.contains(T::TrackLevelNomml));
    static_assert(!set.contains(T::Bar));
    static_assert((set | T::Bar).contains(T::Bar));
    static_assert(!(TypeSet::all() - set).contains(T::TrackLevelNomml));
    CHECK((TypeSet::all() - set).contains(T::Bar));
}

TEST("grammar: positions go forward and stay inside the bar, to the tick") {
    Walk walk = grammar_walk(yellow_config());
    walk.step(T::Bar);
    walk.step(T::TimeSig, meter(walk, 7, 8));  // 3.5 quarters of 12 ticks
    CHECK_EQUAL(walk.values(T::TimeAbsolutePos).front(), 0);
    CHECK_EQUAL(walk.values(T::TimeAbsolutePos).back(), 41);
    walk.step(T::TimeAbsolutePos, 39);
    CHECK(!walk.allows(T::TimeAbsolutePos));
    CHECK(!walk.allows(T::BarEnd));
    walk.step(T::NoteOnset, 60);
    CHECK(!walk.allows(T::BarEnd));
    walk.step(T::NoteDuration, 5);
    CHECK_EQUAL(walk.values(T::TimeAbsolutePos), std::vector{40, 41});
    CHECK(walk.allows(T::BarEnd));
}

TEST("grammar: the number of bars is exact and tracks are counted") {
    Walk walk = grammar_walk(yellow_config(), {.exact_bars = 1, .max_tracks = 1});
    walk.step(T::Track, 1);
    CHECK(walk.allows(T::Bar) && !walk.allows(T::TrackEnd));
    walk.step(T::Bar);
    walk.step(T::NoteOnset, 36);
    CHECK(walk.allows(T::BarEnd));  // drums have no durations
    walk.step(T::BarEnd);
    CHECK(!walk.allows(T::Bar) && walk.allows(T::TrackEnd));
    walk.step(T::TrackEnd);
    CHECK(!walk.allows(T::Track));
}

TEST("grammar: autoregressive walks see no fill-in token") {
    Walk walk = grammar_walk(yellow_config(), {.autoregressive = true});
    for (T type : {T::Bar, T::BarEnd}) {
        walk.step(type);
        CHECK(!walk.allows(T::FillInPlaceholder) && !walk.allows(T::FillInStart));
    }
}

TEST("grammar: a fill block takes drum from its target, and the meter when asked") {
    for (const bool target_meter : {false, true}) {
        Walk walk = grammar_walk(yellow_config(), {.fill_in_target_meter = target_meter});
        walk.step(T::Bar);
        walk.step(T::TimeSig, meter(walk, 4, 4));
        walk.step(T::BarEnd);
        walk.step(T::FillInStart);
        walk.graph.begin_fill({.drum = true, .meter = {3, 4}});
        CHECK_EQUAL(walk.values(T::TimeAbsolutePos).back(), target_meter ? 35 : 47);
        walk.step(T::NoteOnset, 36);
        CHECK(walk.allows(T::FillInEnd) && !walk.allows(T::NoteDuration));
    }
}

TEST("grammar: after a bar attribute the position window is open") {
    Walk walk = grammar_walk(everything_config());
    walk.step(T::Bar);
    walk.step(T::TimeSig, meter(walk, 2, 4));
    CHECK_EQUAL(walk.values(T::TimeAbsolutePos).size(), std::size_t{24});
    walk.step(T::BarLevelOnsetDensity, 3);
    CHECK_EQUAL(walk.values(T::TimeAbsolutePos).size(), std::size_t{192});
}

TEST("limits: polyphony counts at one position, density in one bar") {
    Walk walk{Vocabulary(yellow_config()), {}};
    walk.graph.add(std::make_shared<PolyphonyConstraint>(2));
    walk.graph.add(std::make_shared<DensityConstraint>(3));
    walk.step(T::Bar);
    walk.step(T::NoteOnset, 60);
    CHECK(walk.allows(T::NoteOnset));
    walk.step(T::NoteOnset, 64);
    CHECK(!walk.allows(T::NoteOnset) && !walk.allows(T::VelocityLevel));
    CHECK(walk.allows(T::TimeAbsolutePos));
    walk.step(T::TimeAbsolutePos, 12);
    walk.step(T::NoteOnset, 67);
    CHECK(!walk.allows(T::NoteOnset) && !walk.allows(T::TimeAbsolutePos));
    walk.step(T::BarEnd);
    CHECK(walk.allows(T::NoteOnset) && walk.allows(T::TimeAbsolutePos));
}

TEST("note budget: a bar ends with its number of notes, if it can") {
    Walk walk{Vocabulary(yellow_config()), {}};
    walk.graph.add(std::make_shared<DensityConstraint>(3));
    walk.graph.add(std::make_shared<NoteBudget>(2, 2));
    CHECK(walk.allows(T::BarEnd));  // not in a bar
    for (const T end : {T::BarEnd, T::FillInEnd}) {
        walk.step(end == T::BarEnd ? T::Bar : T::FillInStart);
        CHECK(!walk.allows(end));
        walk.step(T::NoteOnset, 36);
        CHECK(!walk.allows(end) && walk.allows(T::NoteOnset));
        walk.step(T::NoteOnset, 38);
        CHECK(walk.allows(end) && !walk.allows(T::NoteOnset) && !walk.allows(T::TimeAbsolutePos));
        walk.step(end);
    }
    Walk scarce{Vocabulary(yellow_config()), {}};
    scarce.graph.add(std::make_shared<DensityConstraint>(1));
    scarce.graph.add(std::make_shared<NoteBudget>(5, NoteBudget::kUnbounded));
    scarce.step(T::Bar);
    scarce.step(T::NoteOnset, 36);
    CHECK(scarce.allows(T::BarEnd) && !scarce.allows(T::NoteOnset));
    CHECK_THROWS(std::invalid_argument, "least", NoteBudget(3, 2));
    CHECK_THROWS(std::invalid_argument, "least", NoteBudget(0, 2));
}

TEST("note budget: who lags shall not skip time, who hurries shall not stay") {
    Walk walk{Vocabulary(yellow_config()), {}};
    walk.graph.add(std::make_shared<NoteBudget>(16, 16));
    const auto at = [&](T type, int value) {
        std::vector<float> logits(static_cast<std::size_t>(walk.vocab.size()));
        walk.graph.bias(walk.vocab, logits);
        return logits[static_cast<std::size_t>(walk.vocab.encode(type, value))];
    };
    CHECK_EQUAL(at(T::TimeAbsolutePos, 47), 0.0f);  // not in a bar
    walk.step(T::Bar);
    CHECK_EQUAL(at(T::TimeAbsolutePos, 6), 0.0f);
    CHECK(at(T::TimeAbsolutePos, 36) < at(T::TimeAbsolutePos, 24));
    CHECK_EQUAL(at(T::TimeAbsolutePos, 36), -11.0f);  // 12 are due, less a quarter of the spread 4
    walk.step(T::TimeSig, meter(walk, 2, 4));
    CHECK_EQUAL(at(T::TimeAbsolutePos, 18), -11.0f);
    for (int note = 0; note < 4; ++note) walk.step(T::NoteOnset, 36 + note);
    CHECK_EQUAL(at(T::NoteOnset, 60), -1.0f);  // the fifth at once is beyond the spread
    CHECK_EQUAL(at(T::TimeAbsolutePos, 6), 0.0f);
}

TEST("value constraints: everywhere, or in one bar of one track") {
    Walk walk{Vocabulary(yellow_config()), {}};
    walk.graph.add(std::make_shared<AttributeValueConstraint>(T::NoteDensity, 4));
    walk.graph.add(std::make_shared<BarAttributeValueConstraint>(T::TimeSig, 1, 0, 2));
    CHECK_EQUAL(walk.values(T::NoteDensity), std::vector{4});
    for (int track = 0; track < 3; ++track) {
        walk.step(T::Track);
        for (int bar = 0; bar < 2; ++bar) {
            walk.step(T::Bar);
            const bool pinned = track == 1 && bar == 0;
            CHECK_EQUAL(walk.values(T::TimeSig).size(), pinned ? std::size_t{1} : std::size_t{6});
        }
    }
}

TEST("constraint graph: a copy is independent, nothing is an error") {
    Walk walk = grammar_walk(yellow_config());
    ConstraintGraph copy = walk.graph;
    copy.step(walk.vocab.encode(T::Bar, 0), walk.vocab);
    CHECK(walk.allows(T::NumBars));
    walk.graph = copy;
    CHECK(!walk.allows(T::NumBars));
    CHECK_THROWS(std::invalid_argument, "constraint", copy.add(nullptr));
}
