#include "events/event_grammar.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace midigpt::events {

EventGrammar::EventGrammar() {
    legal_.reserve(kInstruments + 1);
    find_legal();
}

bool EventGrammar::is_legal(int id) const {
    return std::any_of(legal_.begin(), legal_.end(), [id](const IdRange& r) { return r.first <= id && id < r.last; });
}

void EventGrammar::advance(int id) {
    if (!is_legal(id)) {
        throw std::invalid_argument("id " + std::to_string(id) + " is not legal in slot " + std::to_string(slot_));
    }
    if (slot_ == 0) {
        at_once_ = id == time_ ? at_once_ + 1 : 1;
        time_ = id;
    } else if (slot_ == 1) {
        duration_ = id - kDurationOffset;
    } else if (id != kRest) {
        instruments_.set((id - kNoteOffset) / kPitches);
    }
    slot_ = (slot_ + 1) % kTriple;
    find_legal();
}

void EventGrammar::find_legal() {
    legal_.clear();
    if (slot_ == 0) {
        const int first = at_once_ < kMostAtOnce ? time_ : time_ + 1;
        if (first < kTimes) legal_.push_back({first, kTimes});
    } else if (slot_ == 1) {
        legal_.push_back({kDurationOffset, kNoteOffset});
    } else {
        find_legal_notes();
    }
}

void EventGrammar::find_legal_notes() {
    const int melodic = static_cast<int>(instruments_.count()) - (instruments_.test(kDrums) ? 1 : 0);
    for (int i = 0; i < kInstruments; ++i) {
        if (melodic >= kMostMelodic && i != kDrums && !instruments_.test(i)) continue;
        const int first = kNoteOffset + i * kPitches;
        if (!legal_.empty() && legal_.back().last == first) {
            legal_.back().last += kPitches;
        } else {
            legal_.push_back({first, first + kPitches});
        }
    }
    if (duration_ == 0) ++legal_.back().last;  // the rest follows the drums
}

}  // namespace midigpt::events
