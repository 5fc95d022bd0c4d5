#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <optional>

#include "bindings/arrays.hpp"
#include "bindings/cancel_flag.hpp"
#include "bindings/module.hpp"
#include "engine/transformer.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

using namespace midigpt::engine;

using Slices = std::vector<std::pair<int, int>>;

std::span<const std::int32_t> to_span(const Ids& ids) {
    if (ids.ndim() != 1) throw py::value_error("ids and positions must have one dimension");
    return {ids.data(), static_cast<std::size_t>(ids.size())};
}

std::span<const std::int32_t> to_span(const std::optional<Ids>& ids) {
    return ids ? to_span(*ids) : std::span<const std::int32_t>{};
}

std::span<const std::uint8_t> to_span(const Flags& mask) {
    if (mask.ndim() != 1) throw py::value_error("key mask must have one dimension");
    return {reinterpret_cast<const std::uint8_t*>(mask.data()), static_cast<std::size_t>(mask.size())};
}

std::vector<VocabularySlice> to_slices(const Slices& pairs) {
    std::vector<VocabularySlice> slices;
    for (const auto& [first, last] : pairs) slices.push_back({first, last});
    return slices;
}

// None when cancelled.
py::object forward(Transformer& transformer, const std::vector<Sequence*>& sequences,
                   const std::vector<Ids>& ids, const std::optional<std::vector<Ids>>& positions,
                   const std::optional<std::vector<Flags>>& key_masks, bool every, const Slices& pairs, CancelFlag* cancel) {
    const std::size_t count = sequences.size();
    if (ids.size() != count || (positions && positions->size() != count) ||
        (key_masks && key_masks->size() != count)) {
        throw py::value_error("sequences, ids, positions and key_masks must be of one length");
    }
    py::ssize_t rows = 0;
    for (const auto& part : ids) rows += every ? part.size() : 1;
    const py::ssize_t vocab_size = transformer.shape().vocab_size;
    py::array_t<float> logits({rows, vocab_size});
    float* out = logits.mutable_data();

    std::vector<Segment> segments;
    for (std::size_t i = 0; i < count; ++i) {
        if (sequences[i] == nullptr) throw py::value_error("a sequence is None");
        Segment segment;
        segment.sequence = sequences[i];
        segment.ids = to_span(ids[i]);
        if (positions) segment.positions = to_span((*positions)[i]);
        if (key_masks) segment.shown = to_span((*key_masks)[i]);
        segment.logits = out;
        segment.logits_of_every = every;
        segments.push_back(segment);
        out += vocab_size * (every ? ids[i].size() : 1);
    }
    const auto slices = to_slices(pairs);
    bool finished = false;
    {
        const py::gil_scoped_release release;
        finished = transformer.forward(segments, slices, CancelFlag::of(cancel));
    }
    return finished ? py::object(std::move(logits)) : py::none();
}

py::array_t<float> last_attention(Transformer& transformer, const Ids& ids) {
    const std::span<const std::int32_t> tokens = to_span(ids);
    py::array_t<float> weights({py::ssize_t{transformer.shape().n_layer}, ids.size()});
    const std::span<float> out(weights.mutable_data(), static_cast<std::size_t>(weights.size()));
    const py::gil_scoped_release release;
    transformer.last_attention(tokens, out);
    return weights;
}

void bind_shape(py::module_& m) {
    py::enum_<Family>(m, "Family").value("GPT2", Family::Gpt2).value("LLAMA", Family::Llama);

    py::class_<RopeScaling>(m, "RopeScaling")
        .def(py::init([](double factor, double low, double high, int original) {
                 return RopeScaling{factor, low, high, original};
             }),
             py::kw_only(), py::arg("factor"), py::arg("low_frequency_factor"),
             py::arg("high_frequency_factor"), py::arg("original_positions"));

    py::class_<ModelShape>(m, "ModelShape", "Sizes of a transformer; ValueError when out of range.")
        .def(py::init([](Family family, int vocab_size, int n_positions, int width, int inner, int n_layer,
                         int n_head, int n_kv_head, int head_size, float norm_eps, double rope_theta,
                         const RopeScaling& rope_scaling) {
                 const ModelShape shape{family, vocab_size, n_positions, width,      inner,      n_layer,
                                        n_head, n_kv_head,  head_size,   norm_eps, rope_theta, rope_scaling};
                 shape.check();
                 return shape;
             }),
             py::kw_only(), py::arg("family"), py::arg("vocab_size"), py::arg("n_positions"), py::arg("width"),
             py::arg("inner"), py::arg("n_layer"), py::arg("n_head"), py::arg("n_kv_head"),
             py::arg("head_size"), py::arg("norm_eps") = 1e-5f, py::arg("rope_theta") = 10000.0,
             py::arg("rope_scaling") = RopeScaling{})
        .def_readonly("family", &ModelShape::family)
        .def_readonly("vocab_size", &ModelShape::vocab_size)
        .def_readonly("n_positions", &ModelShape::n_positions)
        .def_readonly("width", &ModelShape::width)
        .def_readonly("inner", &ModelShape::inner)
        .def_readonly("n_layer", &ModelShape::n_layer)
        .def_readonly("n_head", &ModelShape::n_head)
        .def_readonly("n_kv_head", &ModelShape::n_kv_head)
        .def_readonly("head_size", &ModelShape::head_size);
}

void bind_sequence(py::module_& m) {
    py::class_<Sequence>(m, "CachedSequence", "Cached keys and values of one sequence of tokens.")
        .def_property_readonly("length", &Sequence::length)
        .def_property_readonly("capacity", &Sequence::capacity)
        .def_property_readonly("ids", [](const Sequence& sequence) {
            return std::vector<std::int32_t>(sequence.ids().begin(), sequence.ids().end());
        })
        .def("cut", &Sequence::cut, py::arg("length"), "Drops the tokens from index `length` on.")
        .def_property_readonly("next_position", &Sequence::next_position)
        .def("copy", &Sequence::copy)
        .def("shared_prefix",
             [](const Sequence& sequence, const Ids& ids, const std::optional<Ids>& positions,
                const std::optional<Flags>& shown) {
                 return sequence.shared_prefix(to_span(ids), to_span(positions),
                                               shown ? to_span(*shown) : std::span<const std::uint8_t>{});
             },
             py::arg("ids"), py::arg("positions") = py::none(), py::arg("shown") = py::none(),
             "Number of leading tokens whose cache entries a new prompt can keep.")
        .def("nullify", &Sequence::nullify, py::arg("first"), py::arg("last"),
             "Keys of [first, last) become -10000, values 0.");
}

void bind_transformer(py::module_& m) {
    py::enum_<WeightType>(m, "WeightType")
        .value("FLOAT32", WeightType::Float32)
        .value("BFLOAT16", WeightType::BFloat16)
        .value("INT8", WeightType::Int8);
    py::enum_<CacheType>(m, "CacheType")
        .value("FLOAT32", CacheType::Float32)
        .value("FLOAT16", CacheType::Float16)
        .value("INT8", CacheType::Int8);

    py::class_<CancelFlag>(m, "CancelFlag", "Stops a running call of the engine, from any thread.")
        .def(py::init<>())
        .def("set", [](CancelFlag& flag) { flag.set = true; })
        .def("clear", [](CancelFlag& flag) { flag.set = false; })
        .def("is_set", [](const CancelFlag& flag) { return flag.set.load(); });

    py::class_<Transformer>(m, "Transformer", "A transformer on the CPU; weights from safetensors files.")
        .def(py::init([](const ModelShape& shape, const std::vector<std::filesystem::path>& files,
                         WeightType weights, CacheType cache, int threads,
                         const std::string& cache_directory, const std::string& kernels) {
                 const py::gil_scoped_release release;
                 return std::make_unique<Transformer>(
                     shape, files, TransformerOptions{weights, cache, threads, cache_directory, kernels});
             }),
             py::arg("shape"), py::arg("files"), py::kw_only(), py::arg("weights") = WeightType::Int8,
             py::arg("cache") = CacheType::Float16, py::arg("threads") = 0,
             py::arg("cache_directory") = "", py::arg("kernels") = "")
        .def_property_readonly("shape", &Transformer::shape)
        .def_property_readonly("threads", &Transformer::threads)
        .def_property_readonly("kernels", &Transformer::kernels)
        .def_property_readonly("weight_bytes", &Transformer::weight_bytes)
        .def("new_sequence", &Transformer::new_sequence)
        .def("forward", &forward, py::arg("sequences"), py::arg("ids"), py::arg("positions") = py::none(),
             py::arg("key_masks") = py::none(), py::arg("every") = false, py::arg("slices") = Slices{}, py::arg("cancel") = nullptr,
             "Appends ids[i] to sequences[i]; returns float32 logits, one row for the last token of each\n"
             "sequence, or with `every` one for each token. `slices`: head rows [first, last) to compute,\n"
             "the others stay undefined. None when cancelled, the sequences being as before.")
        .def("last_attention", &last_attention, py::arg("ids"),
             "What the last token attends to, mean over heads: float32 (layers, tokens).");

    m.def("kernel_variants", [] {
        std::vector<std::string> names;
        for (const Kernels* kernels : available_kernels()) names.emplace_back(kernels->name);
        return names;
    }, "Kernels that this machine can run, the fastest first.");
}

}  // namespace

void bind_engine(py::module_& m) {
    bind_shape(m);
    bind_sequence(m);
    bind_transformer(m);
}

}  // namespace midigpt::bindings
