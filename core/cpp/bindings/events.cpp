#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings/module.hpp"
#include "events/event_grammar.hpp"
#include "events/midi_events.hpp"
#include "events/triples.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

using namespace midigpt::events;

using Ints = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

constexpr int kColumns = 3;  // time, duration, note
static_assert(sizeof(Event) == kColumns * sizeof(std::int32_t));

std::span<const Event> to_events(const Ints& rows) {
    if (rows.ndim() != 2 || rows.shape(1) != kColumns) {
        throw py::value_error("events must have the shape (events, 3): time, duration, note");
    }
    return {reinterpret_cast<const Event*>(rows.data()), static_cast<std::size_t>(rows.shape(0))};
}

Ints to_rows(const Events& events) {
    Ints rows({static_cast<py::ssize_t>(events.size()), py::ssize_t{kColumns}});
    std::copy(events.begin(), events.end(), reinterpret_cast<Event*>(rows.mutable_data()));
    return rows;
}

std::span<const std::int32_t> to_ids(const Ints& ids) {
    if (ids.ndim() != 1) throw py::value_error("ids must have one dimension");
    return {ids.data(), static_cast<std::size_t>(ids.size())};
}

Ints to_array(const Ids& ids) { return Ints(static_cast<py::ssize_t>(ids.size()), ids.data()); }

std::span<const std::uint8_t> to_bytes(const py::bytes& bytes) {
    const std::string_view view = bytes;
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

void bind_constants(py::module_& m) {
    m.attr("EVENT_TIMES") = kTimes;
    m.attr("EVENT_DURATIONS") = kDurations;
    m.attr("EVENT_DRUMS") = kDrums;
    m.attr("EVENT_REST_NOTE") = kRestNote;
    m.attr("EVENT_DURATION_OFFSET") = kDurationOffset;
    m.attr("EVENT_NOTE_OFFSET") = kNoteOffset;
    m.attr("EVENT_REST") = kRest;
    m.attr("EVENT_CONTROL_OFFSET") = kControlOffset;
    m.attr("EVENT_SEPARATOR") = kSeparator;
    m.attr("EVENT_AUTOREGRESS") = kAutoregress;
    m.attr("EVENT_ANTICIPATE") = kAnticipate;
    m.attr("EVENT_VOCABULARY") = kVocabulary;
    m.attr("EVENT_MOST_AT_ONCE") = EventGrammar::kMostAtOnce;
}

void bind_conversions(py::module_& m) {
    m.def("events_from_midi", [](const py::bytes& file) { return to_rows(read_midi(to_bytes(file))); },
          py::arg("file"));
    m.def("events_to_midi", [](const Ints& events, int velocity, bool ons_first) {
        const Written written = write_midi(to_events(events), {velocity, ons_first});
        return std::pair(py::bytes(reinterpret_cast<const char*>(written.file.data()), written.file.size()), written.dropped);
    }, py::arg("events"), py::arg("velocity"), py::arg("ons_first"), "The file, and how many notes found no channel.");
    m.def("event_channels", [](const std::vector<int>& instruments) { return assign_channels(instruments); },
          py::arg("instruments"));
    m.def("events_to_ids", [](const Ints& events, bool as_controls) {
        return to_array(events::to_ids(to_events(events), as_controls));
    }, py::arg("events"), py::arg("as_controls"));
    m.def("events_from_ids", [](const Ints& ids) {
        const Parsed parsed = parse(to_ids(ids));
        return std::pair(to_rows(parsed.notes), parsed.malformed);
    }, py::arg("ids"), "The notes, and how many triples are malformed.");
    m.def("find_event_fault", [](const Ints& ids) { return find_fault(to_ids(ids)); }, py::arg("ids"));
    m.def("pad_events", [](const Ints& events, int end) { return to_rows(pad(to_events(events), end)); },
          py::arg("events"), py::arg("end"));
    m.def("weave_events", [](const Ints& events, const Ints& controls) {
        const Woven woven = weave(to_events(events), to_events(controls));
        return std::pair(to_array(woven.ids), woven.left_over);
    }, py::arg("events"), py::arg("controls"), "The ids, and how many controls come too late.");
}

void bind_event_grammar(py::module_& m) {
    py::class_<EventGrammar>(m, "EventGrammar", "Which ids may come next in a piece of events.")
        .def(py::init<>())
        .def_property_readonly("slot", &EventGrammar::slot)
        .def_property_readonly("time", &EventGrammar::time)
        .def_property_readonly("legal", [](const EventGrammar& grammar) {
            std::vector<std::pair<int, int>> ranges;
            for (const auto& range : grammar.legal()) ranges.emplace_back(range.first, range.last);
            return ranges;
        })
        .def("advance", &EventGrammar::advance, py::arg("id"));
}

}  // namespace

void bind_events(py::module_& m) {
    bind_constants(m);
    bind_conversions(m);
    bind_event_grammar(m);
}

}  // namespace midigpt::bindings
