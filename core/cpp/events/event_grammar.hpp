// Which ids may come next in a piece of events that is being written: triples keep their slots, times
// never decrease, instruments stay few enough for a channel each.
#pragma once

#include <bitset>
#include <span>
#include <vector>

#include "events/event.hpp"

namespace midigpt::events {

// Ids first .. last - 1.
struct IdRange {
    int first = 0;
    int last = 0;
    bool operator==(const IdRange&) const = default;
};

class EventGrammar {
public:
    static constexpr int kTriple = 3;
    static constexpr int kMostAtOnce = 64;  // events at one time

    EventGrammar();

    // Number of the next id in its triple: 0 time, 1 duration, 2 note.
    int slot() const { return slot_; }
    int time() const { return time_; }  // of the latest event

    // Legal ids in ascending order; empty when the window of times is full. Valid until advance().
    std::span<const IdRange> legal() const { return legal_; }
    bool is_legal(int id) const;

    // Writes one id. Throws std::invalid_argument when it is not legal.
    void advance(int id);

private:
    void find_legal();
    void find_legal_notes();

    int slot_ = 0;
    int time_ = 0;
    int at_once_ = 0;  // events at time_
    int duration_ = 0;
    std::bitset<kInstruments> instruments_;
    std::vector<IdRange> legal_;
};

}  // namespace midigpt::events
