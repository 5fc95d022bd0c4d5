// One file per subject binds its types; module.cpp calls them in order of dependence.
#pragma once

#include <pybind11/pybind11.h>

namespace midigpt::bindings {

void bind_score(pybind11::module_& m);
void bind_convert(pybind11::module_& m);
void bind_tokens(pybind11::module_& m);
void bind_codec(pybind11::module_& m);
void bind_events(pybind11::module_& m);
void bind_grammar(pybind11::module_& m);
void bind_planning(pybind11::module_& m);
void bind_session(pybind11::module_& m);
void bind_engine(pybind11::module_& m);
void bind_generation(pybind11::module_& m);

}  // namespace midigpt::bindings
