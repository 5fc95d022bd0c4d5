#include "score/score.hpp"

#include <pybind11/stl.h>

#include "bindings/module.hpp"

namespace py = pybind11;

namespace midigpt::bindings {

void bind_score(py::module_& m) {
    py::enum_<TrackType>(m, "TrackType")
        .value("Melodic", TrackType::Melodic)
        .value("Drum", TrackType::Drum);

    py::class_<Note>(m, "Note")
        .def(py::init<>())
        .def(py::init([](int pitch, int velocity, int onset_ticks, int duration_ticks, int delta) {
                 return Note{pitch, velocity, onset_ticks, duration_ticks, delta};
             }),
             py::arg("pitch"), py::arg("velocity"), py::arg("onset_ticks"),
             py::arg("duration_ticks"), py::arg("delta") = 0)
        .def_readwrite("pitch", &Note::pitch)
        .def_readwrite("velocity", &Note::velocity)
        .def_readwrite("onset_ticks", &Note::onset_ticks)
        .def_readwrite("duration_ticks", &Note::duration_ticks)
        .def_readwrite("delta", &Note::delta);

    py::class_<Bar>(m, "Bar")
        .def(py::init<>())
        .def_readwrite("note_indices", &Bar::note_indices)
        .def_readwrite("ts_numerator", &Bar::ts_numerator)
        .def_readwrite("ts_denominator", &Bar::ts_denominator)
        .def_readwrite("beat_length", &Bar::beat_length)
        .def_readwrite("future", &Bar::future)
        .def_property_readonly("has_notes", &Bar::has_notes);

    py::class_<Track>(m, "Track")
        .def(py::init<>())
        .def_readwrite("bars", &Track::bars)
        .def_readwrite("instrument", &Track::instrument)
        .def_readwrite("type", &Track::type)
        .def_readwrite("attributes", &Track::attributes);

    py::class_<Score>(m, "Score")
        .def(py::init<>())
        .def_readwrite("tracks", &Score::tracks)
        .def_readwrite("notes", &Score::notes)
        .def_readwrite("resolution", &Score::resolution)
        .def_readwrite("tempo", &Score::tempo);
}

}  // namespace midigpt::bindings
