#include "bindings/module.hpp"

PYBIND11_MODULE(_native, m) {
    m.doc() = "Compiled core of midigpt: score model, tokens, grammar, planning, engine, generation.";
    midigpt::bindings::bind_score(m);
    midigpt::bindings::bind_convert(m);
    midigpt::bindings::bind_tokens(m);
    midigpt::bindings::bind_codec(m);
    midigpt::bindings::bind_events(m);
    midigpt::bindings::bind_grammar(m);
    midigpt::bindings::bind_planning(m);
    midigpt::bindings::bind_session(m);
    midigpt::bindings::bind_engine(m);
    midigpt::bindings::bind_generation(m);
}
