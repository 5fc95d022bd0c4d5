// Encoder, decoder and the tick grid.
#include <pybind11/stl.h>

#include "bindings/module.hpp"
#include "tokens/decoder.hpp"
#include "tokens/encoder.hpp"
#include "tokens/fills.hpp"
#include "tokens/grid.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

void bind_encoder(py::module_& m) {
    // Fields that are sets are converted, so reading one returns a copy: assign the whole set.
    py::class_<EncodeOptions>(m, "EncodeOptions")
        .def(py::init<>())
        .def_readwrite("partial_encode_track_index", &EncodeOptions::partial_encode_track_index)
        .def_readwrite("partial_encode_track_bars", &EncodeOptions::partial_encode_track_bars)
        .def_readwrite("multi_fill", &EncodeOptions::multi_fill)
        .def_readwrite("window_bars", &EncodeOptions::window_bars)
        .def_readwrite("use_span_masks", &EncodeOptions::use_span_masks)
        .def_readwrite("remove_future_bars", &EncodeOptions::remove_future_bars)
        .def_readwrite("use_velocity", &EncodeOptions::use_velocity)
        .def_readwrite("use_microtiming", &EncodeOptions::use_microtiming)
        .def_readwrite("genre", &EncodeOptions::genre);

    py::class_<EncodeResult>(m, "EncodeResult")
        .def_readonly("tokens", &EncodeResult::tokens)
        .def_readonly("hidden_spans", &EncodeResult::hidden_spans);

    py::class_<Encoder>(m, "Encoder")
        .def(py::init<const Vocabulary&, bool>(), py::arg("vocabulary"),
             py::arg("pitch_class_sets") = false, py::keep_alive<1, 2>())
        .def("encode",
             [](const Encoder& encoder, const Score& score, const EncodeOptions& options) {
                 return encoder.encode(score, options).tokens;
             },
             py::arg("score"), py::arg("opts") = EncodeOptions{})
        .def("encode_full", &Encoder::encode, py::arg("score"), py::arg("opts") = EncodeOptions{});
}

void bind_decoder(py::module_& m) {
    py::class_<Decoder>(m, "Decoder")
        .def(py::init<const Vocabulary&>(), py::arg("vocabulary"), py::keep_alive<1, 2>())
        .def("decode",
             [](const Decoder& decoder, const std::vector<int>& ids) { return decoder.decode(ids); },
             py::arg("ids"));
    m.def("resolve_fills",
          [](const std::vector<int>& ids, const Vocabulary& v) { return resolve_fills(ids, v); },
          py::arg("ids"), py::arg("vocabulary"));
}

}  // namespace

void bind_codec(py::module_& m) {
    bind_encoder(m);
    bind_decoder(m);
    m.def("resample", &resample, py::arg("score"), py::arg("source"), py::arg("target"),
          py::arg("use_delta"), "Rescale a score in place; see tokens/grid.hpp.");
}

}  // namespace midigpt::bindings
