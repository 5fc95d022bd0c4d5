#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/arrays.hpp"
#include "bindings/cancel_flag.hpp"
#include "bindings/module.hpp"
#include "generation/bar_loop.hpp"
#include "generation/event_loop.hpp"
#include "generation/step_loop.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

std::vector<std::uint8_t> to_bytes(const Flags& flags) {
    return {flags.data(), flags.data() + flags.size()};
}

std::vector<std::int32_t> to_ints(const Ids& ids) { return {ids.data(), ids.data() + ids.size()}; }

std::span<const float> to_span(const Floats& floats) {
    return {floats.data(), static_cast<std::size_t>(floats.size())};
}

void bind_sampler(py::module_& m) {
    py::class_<TokenSampler>(m, "TokenSampler", "Draws tokens by the rules of midigpt.inference.sampling.")
        .def(py::init([](float temperature, int top_k, float top_p, int mask_k, float mask_p,
                         const Flags& note_content, const std::optional<Floats>& weights,
                         std::uint64_t seed) {
                 std::vector<float> factors;
                 if (weights) factors.assign(weights->data(), weights->data() + weights->size());
                 return TokenSampler({temperature, top_k, top_p, mask_k, mask_p}, to_bytes(note_content),
                                     std::move(factors), static_cast<std::uint32_t>(seed));
             }),
             py::kw_only(), py::arg("temperature"), py::arg("top_k") = 0, py::arg("top_p") = 1.0f,
             py::arg("mask_k") = 0, py::arg("mask_p") = 0.0f, py::arg("note_content"),
             py::arg("weights") = py::none(), py::arg("seed"))
        .def("draw", [](TokenSampler& sampler, const Floats& logits, const Flags& allowed) {
            return sampler.draw(to_span(logits), to_bytes(allowed));
        }, py::arg("logits"), py::arg("allowed"), "A token id, or -1 when none is allowed.");
}

void bind_loop(py::module_& m) {
    py::enum_<StepStatus>(m, "StepStatus")
        .value("RUNNING", StepStatus::Running)
        .value("COMPLETE", StepStatus::Complete)
        .value("FULL", StepStatus::Full)
        .value("NO_LEGAL_TOKEN", StepStatus::NoLegalToken)
        .value("CANCELLED", StepStatus::Cancelled);

    py::class_<MeterRule>(m, "MeterRule", "Keeps generated bars in one meter.")
        .def(py::init([](int signature_id, int bar_id, const Flags& signatures, const Flags& content) {
                 return MeterRule{signature_id, bar_id, to_bytes(signatures), to_bytes(content)};
             }),
             py::kw_only(), py::arg("signature_id"), py::arg("bar_id"), py::arg("signatures"),
             py::arg("content"));

    py::enum_<Pause>(m, "Pause", "When a loop hands control back before its passes are spent.")
        .value("NEVER", Pause::Never)
        .value("AT_NEWS", Pause::AtNews)
        .value("AT_TOKEN", Pause::AtToken);

    py::class_<Loop>(m, "Loop", "Writes tokens after a prompt in compiled code.")
        .def("run", &Loop::run, py::arg("most"), py::call_guard<py::gil_scoped_release>(),
             "Up to `most` passes of the model; returns the status.")
        .def_property_readonly("status", &Loop::status)
        .def_property_readonly("prompt_left", &Loop::prompt_left, "Tokens of the prompt that are not read yet.");

    py::class_<StepLoop, Loop>(m, "StepLoop", "Reads a prompt and writes a generation step in compiled code.")
        .def(py::init([](engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
                         const TokenSampler& sampler, const Ids& ids, const Ids& positions, const Flags& shown,
                         const Flags& permitted, const std::optional<MeterRule>& meter, int first_position,
                         int budget, Pause pause, const CancelFlag* cancel) {
                 return std::make_unique<StepLoop>(
                     transformer, sequence, state, sampler, Prompt{to_ints(ids), to_ints(positions), to_bytes(shown)},
                     StepLoop::Settings{to_bytes(permitted), meter, first_position, budget, pause,
                                        CancelFlag::of(cancel)});
             }),
             py::kw_only(), py::arg("transformer"), py::arg("sequence"), py::arg("state"), py::arg("sampler"),
             py::arg("ids"), py::arg("positions"), py::arg("shown"), py::arg("permitted"),
             py::arg("meter") = py::none(), py::arg("first_position"), py::arg("budget"),
             py::arg("pause") = Pause::Never, py::arg("cancel") = nullptr, py::keep_alive<1, 2>(),
             py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 14>())
        .def_property_readonly("tokens", [](const StepLoop& loop) {
            return std::vector<int>(loop.tokens().begin(), loop.tokens().end());
        }, "Ids written so far.");

    m.def("run_together",
          [](const std::vector<Loop*>& loops, int most, const CancelFlag* interrupt) {
              if (std::find(loops.begin(), loops.end(), nullptr) != loops.end()) {
                  throw py::value_error("a loop is None");
              }
              const py::gil_scoped_release release;
              run_together(loops, most, CancelFlag::of(interrupt));
          },
          py::arg("loops"), py::arg("most"), py::arg("interrupt") = nullptr,
          "Advances loops, those of one transformer in one pass over the weights per token, up to `most` passes.\n"
          "Returns as soon as a loop pauses or ends, or `interrupt` is set. Ended loops stand aside.");
}

void bind_slice_sampler(py::module_& m) {
    py::class_<SliceSampler>(m, "SliceSampler", "Draws tokens out of a few ranges of ids.")
        .def(py::init([](float temperature, int top_k, float top_p, std::uint64_t seed) {
                 return SliceSampler({temperature, top_k, top_p}, static_cast<std::uint32_t>(seed));
             }),
             py::kw_only(), py::arg("temperature"), py::arg("top_k") = 0, py::arg("top_p") = 1.0f, py::arg("seed"))
        .def("draw", [](SliceSampler& sampler, const Floats& logits, const std::vector<std::pair<int, int>>& pairs) {
            std::vector<events::IdRange> ranges;
            for (const auto& [first, last] : pairs) ranges.push_back({first, last});
            return sampler.draw(to_span(logits), ranges);
        }, py::arg("logits"), py::arg("ranges"), "A token id, or -1 when the ranges are empty.");
}

void bind_bar_loop(py::module_& m) {
    py::enum_<DensityMethod>(m, "DensityMethod", "How an agent's density is that of its part, not of the band.")
        .value("IMAGINE", DensityMethod::Imagine)
        .value("THIN", DensityMethod::Thin);

    py::class_<BarLoop, Loop>(m, "BarLoop", "Writes one bar of an agent's part after the events played so far.")
        .def(py::init([](engine::Transformer& transformer, engine::Sequence& sequence, float temperature, int top_k,
                         float top_p, const Ids& prompt, int first_id, int begin, int end, int instrument,
                         std::vector<int> band, int lowest, int highest, DensityMethod method, float wanted,
                         float wanted_before, int played_before, int most_notes, int budget, std::uint64_t seed,
                         Pause pause, const CancelFlag* cancel) {
                 return std::make_unique<BarLoop>(
                     transformer, sequence, SliceRules{temperature, top_k, top_p}, to_ints(prompt),
                     BarLoop::Settings{first_id, begin, end, instrument, std::move(band), lowest, highest, method,
                                       wanted, wanted_before, played_before, most_notes, budget,
                                       static_cast<std::uint32_t>(seed), pause, CancelFlag::of(cancel)});
             }),
             py::kw_only(), py::arg("transformer"), py::arg("sequence"), py::arg("temperature") = 1.0f,
             py::arg("top_k") = 0, py::arg("top_p") = 1.0f, py::arg("prompt"), py::arg("first_id"), py::arg("begin"),
             py::arg("end"), py::arg("instrument"), py::arg("band") = std::vector<int>{}, py::arg("lowest") = 0,
             py::arg("highest") = 127, py::arg("method") = DensityMethod::Imagine, py::arg("wanted") = 0.0f,
             py::arg("wanted_before") = 0.0f, py::arg("played_before") = 0,
             py::arg("most_notes") = 64, py::arg("budget") = 600, py::arg("seed") = 0, py::arg("pause") = Pause::Never,
             py::arg("cancel") = nullptr, py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 23>())
        .def_property_readonly("notes", [](const BarLoop& loop) {
            std::vector<std::tuple<int, int, int>> notes;
            for (const auto& note : loop.notes()) notes.emplace_back(note.time, note.duration, note.pitch());
            return notes;
        }, "The agent's notes so far: time, duration, pitch.")
        .def_property_readonly("drawn", &BarLoop::drawn, "Ids drawn, those given up too.");
}

void bind_event_loop(py::module_& m) {
    py::class_<EventLoop>(m, "EventLoop", "Writes several pieces of events after one prompt in compiled code.")
        .def(py::init([](engine::Transformer& transformer, std::vector<engine::Sequence*> sequences,
                         const std::vector<SliceSampler>& samplers, const Floats& logits, int first_id, int most_ids,
                         int end, const std::vector<std::int32_t>& before, std::vector<float> note_bias) {
                 return std::make_unique<EventLoop>(
                     transformer, std::move(sequences), samplers, to_span(logits), before,
                     EventLoop::Settings{first_id, most_ids, end, std::move(note_bias)});
             }),
             py::kw_only(), py::arg("transformer"), py::arg("sequences"), py::arg("samplers"), py::arg("logits"),
             py::arg("first_id"), py::arg("most_ids"), py::arg("end") = events::kTimes,
             py::arg("before") = std::vector<std::int32_t>{}, py::arg("note_bias") = std::vector<float>{},
             py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
        .def("run",
             [](EventLoop& loop, int most, const CancelFlag* cancel) { return loop.run(most, CancelFlag::of(cancel)); },
             py::arg("most"), py::arg("cancel") = nullptr, py::call_guard<py::gil_scoped_release>(),
             "Writes up to `most` ids in each piece; True while one is unfinished.")
        .def("ids", [](const EventLoop& loop, int piece) {
            if (piece < 0 || piece >= loop.pieces()) throw py::index_error("there is no such piece");
            return std::vector<int>(loop.ids(piece).begin(), loop.ids(piece).end());
        }, py::arg("piece"))
        .def_property_readonly("times", [](const EventLoop& loop) {
            std::vector<int> times;
            for (int i = 0; i < loop.pieces(); ++i) times.push_back(loop.time(i));
            return times;
        }, "Time of the latest event of each piece, in ticks.");
}

}  // namespace

void bind_generation(py::module_& m) {
    bind_sampler(m);
    bind_loop(m);
    bind_slice_sampler(m);
    bind_bar_loop(m);
    bind_event_loop(m);
}

}  // namespace midigpt::bindings
