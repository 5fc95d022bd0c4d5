#include <random>

#include "events/event_grammar.hpp"
#include "events/midi_events.hpp"
#include "events/triples.hpp"
#include "tests/check.hpp"

using namespace midigpt::events;

namespace {

constexpr int kPiano = 0;

Event note(int time, int duration, int instrument, int pitch) {
    return {time, duration, kPitches * instrument + pitch};
}

Events round_trip(const Events& events) { return read_midi(write_midi(events).file); }

}  // namespace

TEST("events: the ranges of ids") {
    CHECK_EQUAL(kDurationOffset, 10000);
    CHECK_EQUAL(kNoteOffset, 11000);
    CHECK_EQUAL(kRest, 27512);
    CHECK_EQUAL(kControlOffset, 27513);
    CHECK_EQUAL(kSeparator, 55025);
    CHECK_EQUAL(kAutoregress, 55026);
    CHECK_EQUAL(kAnticipate, 55027);
    CHECK_EQUAL(kVocabulary, 55028);
}

TEST("events: to ids and back") {
    const Events events{note(0, 100, kPiano, 60), note(9999, 999, kDrums, 127)};
    CHECK_EQUAL(to_ids(events), Ids{0, 10100, 11060, 9999, 10999, 27511});
    CHECK_EQUAL(to_ids(events, true), Ids{27513, 37613, 38573, 37512, 38512, 55024});
    CHECK(parse(to_ids(events)).notes == events);
    CHECK(parse(to_ids(events, true)).notes == events);
    CHECK_THROWS(std::invalid_argument, "event 0: time is 10000", to_ids(Events{note(10000, 0, 0, 60)}));
    CHECK_THROWS(std::invalid_argument, "duration is 1000", to_ids(Events{note(0, 1000, 0, 60)}));
    CHECK_THROWS(std::invalid_argument, "note is 16512", to_ids(Events{{0, 0, kRestNote}}, true));
}

TEST("events: a malformed triple costs that triple") {
    for (const Ids& bad : {Ids{5, 5, 11060}, Ids{5, 10010, 10010}, Ids{10005, 10010, 11060}, Ids{5, -1, 11060},
                           Ids{-7, 10010, 11060}, Ids{kSeparator, 10010, 11060}, Ids{5, 10010, kAutoregress},
                           Ids{5, 37523, 11060}, Ids{27513, 10010, 38573}, Ids{27513, 37513, kSeparator},
                           Ids{5, 10010, 55028}}) {
        Ids ids{0, 10010, 11060};
        ids.insert(ids.end(), bad.begin(), bad.end());
        ids.insert(ids.end(), {7, 10010, 11062, 9, 10010});
        const Parsed parsed = parse(ids);
        CHECK_EQUAL(parsed.malformed, 1);
        CHECK(parsed.notes == Events{note(0, 10, kPiano, 60), note(7, 10, kPiano, 62)});
    }
    CHECK_EQUAL(parse(Ids{0, 10005, kRest, 1, 2, kRest}).malformed, 0);  // rests, however odd
}

TEST("events: faults are named") {
    CHECK_EQUAL(find_fault(Ids{0, 10000, kRest, 0, 10005, 11060}), std::string());
    CHECK_EQUAL(find_fault(Ids{5, 10005, 11060, 55025, 55025, 55025, 0, 10005, 11060}), std::string());
    CHECK(find_fault(Ids{0, 10005}).find("2 ids") == 0);
    CHECK(find_fault(Ids{5, 10005, 11060, 4, 10005, 11060}).find("triple 1 (4 10005 11060) is earlier") == 0);
    CHECK(find_fault(Ids{5, 10005, kRest}).find("is a rest with a duration") != std::string::npos);
    CHECK(find_fault(Ids{5, 5, 5}).find("is neither") != std::string::npos);
}

TEST("events: a repeated note is released before it is struck again") {
    const Events events{note(0, 100, kPiano, 60), note(100, 50, kPiano, 60), note(100, 0, kPiano, 62)};
    CHECK(round_trip(events) == events);
    const auto file = write_midi(events).file;
    const auto reference = write_midi(events, {72, true}).file;
    CHECK(file != reference);
    CHECK_EQUAL(file.size(), reference.size());
}

TEST("events: the sixteenth melodic instrument is the rarest one, and dropped") {
    Events events;
    for (int i = 0; i < 16; ++i) {
        for (int k = 0; k < (i == 7 ? 1 : 2); ++k) events.push_back(note(10 * i + k, 5, i, 60));
    }
    events.push_back(note(200, 5, kDrums, 36));
    const Written written = write_midi(events);
    CHECK_EQUAL(written.dropped, 1);
    CHECK_EQUAL(read_midi(written.file).size(), events.size() - 1);
    std::erase_if(events, [](const Event& event) { return event.instrument() == 7; });
    CHECK(read_midi(written.file) == events);
}

TEST("events: drums first leave a channel for each of fifteen") {
    std::vector<int> instruments{kDrums};
    for (int i = 0; i < 15; ++i) instruments.push_back(i);
    CHECK_EQUAL(assign_channels(instruments), std::vector{9, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 0});
}

TEST("events: broken files are errors and never more") {
    const auto file = write_midi(Events{note(0, 100, 5, 60), note(50, 100, kDrums, 36)}).file;
    for (std::size_t length = 0; length < file.size(); ++length) {
        try {
            read_midi(std::span(file).first(length));
        } catch (const std::invalid_argument&) {
        }
    }
    std::mt19937 random(0);
    for (int i = 0; i < 20000; ++i) {
        auto broken = file;
        for (int k = 0; k < 3; ++k) broken[random() % broken.size()] = static_cast<std::uint8_t>(random());
        try {
            read_midi(broken);
        } catch (const std::invalid_argument&) {
        }
    }
    CHECK_THROWS(std::invalid_argument, "not a MIDI file", read_midi(std::span(file).first(8)));
}

TEST("events: whatever the grammar allows is right and fits a file") {
    std::mt19937 random(1);
    for (int piece = 0; piece < 20; ++piece) {
        EventGrammar grammar;
        Ids ids;
        while (ids.size() < 900 && !grammar.legal().empty()) {
            const auto& range = grammar.legal()[random() % grammar.legal().size()];
            // Times close together, so that the window lasts and the limit at one time is met.
            const int width = grammar.slot() == 0 ? std::min(2, range.last - range.first) : range.last - range.first;
            ids.push_back(range.first + static_cast<int>(random() % static_cast<unsigned>(width)));
            grammar.advance(ids.back());
        }
        CHECK_EQUAL(find_fault(ids), std::string());
        const Parsed parsed = parse(ids);
        CHECK_EQUAL(parsed.malformed, 0);
        CHECK_EQUAL(write_midi(parsed.notes).dropped, 0);
    }
}

TEST("events: the grammar's slots, floor and limits") {
    EventGrammar grammar;
    CHECK(grammar.legal()[0] == IdRange{0, 10000});
    CHECK_THROWS(std::invalid_argument, "id 10000 is not legal in slot 0", grammar.advance(10000));
    grammar.advance(70);
    CHECK(grammar.legal()[0] == IdRange{10000, 11000});
    grammar.advance(10001);
    CHECK(grammar.legal()[0] == IdRange{11000, 27512});  // a rest has no duration
    grammar.advance(11000);
    CHECK(grammar.legal()[0] == IdRange{70, 10000});
    for (int i = 1; i < EventGrammar::kMostAtOnce; ++i) {
        for (const int id : {70, 10000, 11000 + i % 128}) grammar.advance(id);
    }
    CHECK(grammar.legal()[0] == IdRange{71, 10000});
    for (const int id : {9999, 10000}) grammar.advance(id);
    CHECK(grammar.legal()[0] == IdRange{11000, 27513});
}
