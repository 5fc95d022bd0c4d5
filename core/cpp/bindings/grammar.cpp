#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bindings/module.hpp"
#include "grammar/constraint_graph.hpp"
#include "grammar/grammar_constraint.hpp"
#include "grammar/limits.hpp"
#include "grammar/note_budget.hpp"
#include "grammar/value_constraints.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

py::array_t<std::uint8_t> allowed_ids(const ConstraintGraph& graph, const Vocabulary& vocab) {
    py::array_t<std::uint8_t> allowed(vocab.size());
    graph.mask(vocab, {allowed.mutable_data(), static_cast<std::size_t>(allowed.size())});
    return allowed;
}

std::vector<bool> forbidden_ids(const ConstraintGraph& graph, const Vocabulary& vocab) {
    std::vector<std::uint8_t> allowed(static_cast<std::size_t>(vocab.size()));
    graph.mask(vocab, allowed);
    std::vector<bool> forbidden;
    forbidden.reserve(allowed.size());
    for (const std::uint8_t one : allowed) forbidden.push_back(one == 0);
    return forbidden;
}

template <typename Value>
auto setter(Value GrammarOptions::* field) {
    return [field](GrammarConstraint& grammar, Value value) { grammar.options.*field = value; };
}

void bind_constraints(py::module_& m) {
    py::class_<Constraint, std::shared_ptr<Constraint>>(m, "Constraint");

    py::class_<GrammarConstraint, Constraint, std::shared_ptr<GrammarConstraint>>(
        m, "GrammarConstraint")
        .def(py::init<>())
        .def("set_exact_bars", setter(&GrammarOptions::exact_bars))
        .def("set_max_bars", setter(&GrammarOptions::exact_bars), "Old name of set_exact_bars.")
        .def("set_max_tracks", setter(&GrammarOptions::max_tracks))
        .def("set_require_notes", setter(&GrammarOptions::require_notes))
        .def("set_autoregressive_mode", setter(&GrammarOptions::autoregressive))
        .def("set_mask_track_start", setter(&GrammarOptions::mask_track_start))
        .def("set_mask_track_end", setter(&GrammarOptions::mask_track_end))
        .def("set_header_without_bar_types", setter(&GrammarOptions::header_without_bar_types),
             "Forbid bar-level onset polyphony in a track header.")
        .def("set_fill_in_target_meter", setter(&GrammarOptions::fill_in_target_meter),
             "Give each fill block the length of the bar it replaces.")
        .def("set_fill_end_is_final", setter(&GrammarOptions::fill_end_is_final),
             "Forbid BarEnd after a fill block.");

    py::class_<PolyphonyConstraint, Constraint, std::shared_ptr<PolyphonyConstraint>>(
        m, "PolyphonyConstraint", "At most `limit` onsets at one position.")
        .def(py::init<int>(), py::arg("limit"));
    py::class_<DensityConstraint, Constraint, std::shared_ptr<DensityConstraint>>(
        m, "DensityConstraint", "At most `limit` onsets in one bar or fill block.")
        .def(py::init<int>(), py::arg("limit"));
    py::class_<NoteBudget, Constraint, std::shared_ptr<NoteBudget>>(
        m, "NoteBudget", "From `least` to `most` onsets (0: any number) in each bar or fill block.")
        .def(py::init<int, int>(), py::arg("least"), py::arg("most"));
    py::class_<AttributeValueConstraint, Constraint, std::shared_ptr<AttributeValueConstraint>>(
        m, "AttributeValueConstraint", "The type occurs with this value only.")
        .def(py::init<TokenType, int>(), py::arg("type"), py::arg("value"));
    py::class_<BarAttributeValueConstraint, Constraint,
               std::shared_ptr<BarAttributeValueConstraint>>(
        m, "BarAttributeValueConstraint",
        "In bar `bar` of the `track`-th track of the sequence the type occurs with this value only.")
        .def(py::init<TokenType, int, int, int>(), py::arg("type"), py::arg("track"),
             py::arg("bar"), py::arg("value"));
}

}  // namespace

void bind_grammar(py::module_& m) {
    bind_constraints(m);
    py::class_<ConstraintGraph>(m, "ConstraintGraph")
        .def(py::init<>())
        .def("add_constraint", &ConstraintGraph::add, py::arg("constraint"))
        .def("step", &ConstraintGraph::step, py::arg("id"), py::arg("vocab"))
        .def("get_mask", &forbidden_ids, py::arg("vocab"), "One bool per id; True = forbidden.")
        .def("allowed", &allowed_ids, py::arg("vocab"),
             "uint8 array of shape (vocabulary size,); 1 = allowed.")
        .def("copy", [](const ConstraintGraph& graph) { return ConstraintGraph(graph); },
             "Independent copy in the same state.");
}

}  // namespace midigpt::bindings
