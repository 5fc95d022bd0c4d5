#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/module.hpp"
#include "session/session_state.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

std::vector<bool> allowed_ids(SessionState& state) {
    const auto allowed = state.allowed();
    return {allowed.begin(), allowed.end()};
}

// The array looks into the state, keeps it alive and is read-only.
py::array allowed_view(const py::object& self) {
    const auto allowed = self.cast<SessionState&>().allowed();
    py::array_t<std::uint8_t> view(static_cast<py::ssize_t>(allowed.size()), allowed.data(), self);
    view.attr("flags").attr("writeable") = false;
    return view;
}

py::array_t<float> biased(const SessionState& state, const Floats& logits) {
    if (logits.size() != static_cast<py::ssize_t>(state.vocabulary().size())) {
        throw py::value_error("logits has " + std::to_string(logits.size()) + " entries, must have " +
                              std::to_string(state.vocabulary().size()));
    }
    py::array_t<float> out(logits.size(), logits.data());
    state.bias({out.mutable_data(), static_cast<std::size_t>(out.size())});
    return out;
}

std::vector<GeneratedNote> notes_since(const SessionState& state, int index) {
    const auto& notes = state.progress().notes();
    if (index < 0 || index > static_cast<int>(notes.size())) {
        throw py::index_error("index is " + std::to_string(index) + "; there are " +
                              std::to_string(notes.size()) + " notes");
    }
    return {notes.begin() + index, notes.end()};
}

void bind_generated_note(py::module_& m) {
    py::class_<GeneratedNote>(m, "GeneratedNote",
                              "A new note: track and bar of the piece; ticks of the model grid.")
        .def_property_readonly("track", [](const GeneratedNote& n) { return n.cell.first; })
        .def_property_readonly("bar", [](const GeneratedNote& n) { return n.cell.second; })
        .def_property_readonly("pitch", [](const GeneratedNote& n) { return n.note.pitch; })
        .def_property_readonly("onset", [](const GeneratedNote& n) { return n.note.onset_ticks; })
        .def_property_readonly("duration",
                               [](const GeneratedNote& n) { return n.note.duration_ticks; })
        .def_property_readonly("velocity", [](const GeneratedNote& n) { return n.note.velocity; })
        .def_property_readonly("delta", [](const GeneratedNote& n) { return n.note.delta; });
}

}  // namespace

void bind_session(py::module_& m) {
    bind_generated_note(m);
    py::class_<SessionState>(m, "SessionState")
        .def(py::init([](const Score& context, const GenerationStep& step,
                         const Vocabulary& vocab, const ConstraintGraph& constraints,
                         const Encoder& encoder, const Decoder& decoder, bool use_span_masks,
                         bool remove_future_bars, int use_velocity, int use_microtiming, int genre,
                         bool stop_after_bars, bool reference_defects) {
                 return SessionState(context, step, vocab, constraints, encoder, decoder,
                                     {use_span_masks, remove_future_bars, use_velocity,
                                      use_microtiming, genre, stop_after_bars, reference_defects});
             }),
             py::arg("context"), py::arg("step"), py::arg("vocab"), py::arg("constraints"),
             py::arg("encoder"), py::arg("decoder"), py::arg("use_span_masks") = false,
             py::arg("remove_future_bars") = false, py::arg("use_velocity") = -1,
             py::arg("use_microtiming") = -1, py::arg("genre") = -1, py::kw_only(),
             py::arg("stop_after_bars") = false, py::arg("reference_defects") = false,
             py::keep_alive<1, 4>(), py::keep_alive<1, 7>())
        .def("copy", [](const SessionState& state) { return SessionState(state); },
             py::keep_alive<0, 1>(), "Independent copy in the same state, for another attempt.")
        .def("context_tokens", &SessionState::tokens, "Prompt and generated ids.")
        .def_property_readonly("prompt_length", &SessionState::prompt_length)
        .def("hidden_spans", &SessionState::hidden_spans,
             "Half-open ranges of prompt positions that the model must not see.")
        .def("logit_mask", &allowed_ids, "One bool per id; True = allowed.")
        .def("logit_mask_view", &allowed_view,
             "Read-only uint8 array of shape (vocabulary size,), 1 = allowed; valid until the next "
             "call of a method.")
        .def("biased", &biased, py::arg("logits"),
             "The logits (vocabulary size,) with what the constraints think of each id added.")
        .def("advance", &SessionState::advance, py::arg("id"))
        .def("complete", &SessionState::complete)
        .def("notes_since", &notes_since, py::arg("index") = 0,
             "Completed notes of the target bars, from the index-th on.")
        .def_property_readonly(
            "bars_done", [](const SessionState& state) { return state.progress().bars_done(); },
            "Number of target bars that are finished.")
        .def("result", &SessionState::result);
}

}  // namespace midigpt::bindings
