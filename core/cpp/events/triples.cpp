#include "events/triples.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace midigpt::events {
namespace {

constexpr int kTriple = 3;

void append(Ids& ids, const Event& event, int offset) {
    ids.push_back(event.time + offset);
    ids.push_back(event.duration + kDurationOffset + offset);
    ids.push_back(event.note + kNoteOffset + offset);
}

void check(const Event& event, std::size_t index, bool as_control) {
    const auto refuse = [&](const char* what, int value, int most) {
        throw std::invalid_argument("event " + std::to_string(index) + ": " + what + " is " +
                                    std::to_string(value) + ", must be in 0.." + std::to_string(most));
    };
    const int last_note = as_control ? kNotes - 1 : kRestNote;
    if (event.time < 0 || event.time >= kTimes) refuse("time", event.time, kTimes - 1);
    if (event.duration < 0 || event.duration >= kDurations) refuse("duration", event.duration, kDurations - 1);
    if (event.note < 0 || event.note > last_note) refuse("note", event.note, last_note);
}

bool is_boundary(std::span<const std::int32_t> triple) {
    return std::all_of(triple.begin(), triple.end(), [](int id) { return id == kSeparator; });
}

// The event or control of a triple; none when it is malformed.
std::optional<Event> read(std::span<const std::int32_t> triple) {
    const int offset = triple[0] >= kControlOffset ? kControlOffset : 0;
    const Event event{triple[0] - offset, triple[1] - offset - kDurationOffset, triple[2] - offset - kNoteOffset};
    const bool fits = event.time >= 0 && event.time < kTimes && event.duration >= 0 && event.duration < kDurations &&
                      event.note >= 0 && event.note <= (offset == 0 ? kRestNote : kNotes - 1);
    return fits ? std::optional(event) : std::nullopt;
}

}  // namespace

Ids to_ids(std::span<const Event> events, bool as_controls) {
    Ids ids;
    ids.reserve(events.size() * kTriple);
    for (std::size_t i = 0; i < events.size(); ++i) {
        check(events[i], i, as_controls);
        append(ids, events[i], as_controls ? kControlOffset : 0);
    }
    return ids;
}

Parsed parse(std::span<const std::int32_t> ids) {
    Parsed parsed;
    int start = 0;  // of the part being read
    int end = 0;    // of everything read
    for (; ids.size() >= kTriple; ids = ids.subspan(kTriple)) {
        const auto triple = ids.first(kTriple);
        if (is_boundary(triple)) {
            start = end;
        } else if (triple[2] == kRest) {
            continue;
        } else if (auto event = read(triple)) {
            event->time += start;
            end = std::max(end, event->time + event->duration);
            parsed.notes.push_back(*event);
        } else {
            ++parsed.malformed;
        }
    }
    return parsed;
}

std::string find_fault(std::span<const std::int32_t> ids) {
    if (ids.size() % kTriple != 0) {
        return std::to_string(ids.size()) + " ids are no whole number of triples";
    }
    int latest[2] = {0, 0};  // of events, of controls
    for (std::size_t i = 0; i < ids.size(); i += kTriple) {
        const auto triple = ids.subspan(i, kTriple);
        if (is_boundary(triple)) {
            latest[0] = latest[1] = 0;
            continue;
        }
        const std::string where = "triple " + std::to_string(i / kTriple) + " (" + std::to_string(triple[0]) + " " +
                                  std::to_string(triple[1]) + " " + std::to_string(triple[2]) + ") ";
        const auto event = read(triple);
        if (!event) return where + "is neither an event nor a control nor a boundary";
        if (event->is_rest() && event->duration != 0) return where + "is a rest with a duration";
        int& last = latest[triple[0] >= kControlOffset ? 1 : 0];
        if (event->time < last) return where + "is earlier than the one before it";
        last = event->time;
    }
    return {};
}

Events pad(std::span<const Event> events, int end) {
    Events padded;
    int last = 0;
    const auto fill = [&](int until) {
        while (until - last > kRestSpacing) {
            last += kRestSpacing;
            padded.push_back({last, 0, kRestNote});
        }
    };
    for (const Event& event : events) {
        fill(event.time);
        padded.push_back(event);
        last = event.time;
    }
    fill(end);
    return padded;
}

Woven weave(std::span<const Event> events, std::span<const Event> controls) {
    Woven woven;
    woven.ids.reserve((events.size() + controls.size()) * kTriple);
    std::size_t next = 0;
    int last = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        for (; next < controls.size() && controls[next].time <= last + kAnticipation; ++next) {
            check(controls[next], next, true);
            append(woven.ids, controls[next], kControlOffset);
        }
        check(events[i], i, false);
        append(woven.ids, events[i], 0);
        last = events[i].time;
    }
    woven.left_over = static_cast<int>(controls.size() - next);
    return woven;
}

}  // namespace midigpt::events
