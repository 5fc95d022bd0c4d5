#include "planning/planner.hpp"

#include <pybind11/stl.h>

#include "bindings/module.hpp"

namespace py = pybind11;

namespace midigpt::bindings {

void bind_planning(py::module_& m) {
    py::class_<GenerationStep>(m, "GenerationStep")
        .def(py::init<>())
        .def(py::init([](int start_bar, int end_bar, bool is_autoregressive,
                         std::set<BarCell> bars_to_generate) {
                 return GenerationStep{start_bar, end_bar, is_autoregressive,
                                       std::move(bars_to_generate)};
             }),
             py::arg("start_bar"), py::arg("end_bar"), py::arg("is_autoregressive"),
             py::arg("bars_to_generate"))
        .def_readwrite("start_bar", &GenerationStep::start_bar)
        .def_readwrite("end_bar", &GenerationStep::end_bar)
        .def_readwrite("is_autoregressive", &GenerationStep::is_autoregressive)
        .def_readwrite("bars_to_generate", &GenerationStep::bars_to_generate);

    m.def(
        "plan_steps",
        [](std::vector<std::vector<bool>> selected, std::vector<bool> autoregressive,
           std::vector<bool> ignore, int window_bars, int bars_per_step, int tracks_per_step,
           double ar_overlap, int min_overlap_bars) {
            return plan_steps(
                {std::move(selected), std::move(autoregressive), std::move(ignore)},
                {window_bars, bars_per_step, tracks_per_step, ar_overlap, min_overlap_bars});
        },
        py::arg("selected"), py::arg("autoregressive"), py::arg("ignore"),
        py::arg("window_bars"), py::arg("bars_per_step"), py::arg("tracks_per_step"),
        py::arg("ar_overlap"), py::arg("min_overlap_bars"));
}

}  // namespace midigpt::bindings
