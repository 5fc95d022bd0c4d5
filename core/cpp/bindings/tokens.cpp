#include <pybind11/stl.h>

#include "bindings/module.hpp"
#include "tokens/encoder_config.hpp"
#include "tokens/token_type.hpp"
#include "tokens/vocabulary.hpp"

namespace py = pybind11;

namespace midigpt::bindings {
namespace {

void bind_token_type(py::module_& m) {
    py::enum_<TokenType> type(m, "TokenType");
    for (const auto& entry : token_type_names()) {
        if (entry.canonical) type.value(std::string(entry.name).c_str(), entry.type);
    }
    // Aliases are plain attributes, so that `.name` of a value is always the canonical name.
    for (const auto& entry : token_type_names()) {
        if (!entry.canonical && !entry.name.starts_with("TOKEN_")) {
            type.attr(std::string(entry.name).c_str()) = py::cast(entry.type);
        }
    }
    m.def("token_type_from_name", [](const std::string& name) {
        const auto found = token_type_from_name(name);
        if (!found) throw py::value_error("unknown token type \"" + name + "\"");
        return *found;
    }, py::arg("name"), "Token type of a canonical, alias or legacy name; ValueError when unknown.");
}

void bind_encoder_config(py::module_& m) {
    py::class_<GenreGrouping>(m, "GenreGrouping")
        .def(py::init<>())
        .def(py::init<const std::map<std::string, std::vector<std::string>>&>(), py::arg("groups"))
        .def("encode", &GenreGrouping::encode)
        .def("decode", &GenreGrouping::decode)
        .def("contains", &GenreGrouping::contains)
        .def("num_genres", &GenreGrouping::num_genres)
        .def_property_readonly("groups", &GenreGrouping::groups);

    py::class_<EncoderConfig>(m, "EncoderConfig")
        .def(py::init<>())
        .def(py::init<const EncoderConfig&>())
        .def_readwrite("resolution", &EncoderConfig::resolution)
        .def_readwrite("decode_resolution", &EncoderConfig::decode_resolution)
        .def_readwrite("pitch_min", &EncoderConfig::pitch_min)
        .def_readwrite("pitch_max", &EncoderConfig::pitch_max)
        .def_readwrite("velocity_levels", &EncoderConfig::velocity_levels)
        .def_readwrite("velocity_sticky", &EncoderConfig::velocity_sticky)
        .def_readwrite("note_duration_max_beats", &EncoderConfig::note_duration_max_beats)
        .def_readwrite("emit_delta_tokens", &EncoderConfig::emit_delta_tokens)
        .def_readwrite("switchable_velocity", &EncoderConfig::switchable_velocity)
        .def_readwrite("switchable_microtiming", &EncoderConfig::switchable_microtiming)
        .def_readwrite("supports_infill", &EncoderConfig::supports_infill)
        .def_readwrite("supports_mask_bar_token", &EncoderConfig::supports_mask_bar_token)
        .def_readwrite("num_bars_map", &EncoderConfig::num_bars_map)
        .def_readwrite("time_signatures", &EncoderConfig::time_signatures)
        .def_readwrite("instrument_merge_groups", &EncoderConfig::instrument_merge_groups)
        .def_readwrite("genre_grouping", &EncoderConfig::genre_grouping)
        .def_readwrite("token_domains", &EncoderConfig::token_domains)
        .def_readwrite("attribute_controls_json", &EncoderConfig::attribute_controls_json)
        .def_readwrite("model_dim", &EncoderConfig::model_dim)
        .def("derive_token_domains", &EncoderConfig::derive_token_domains)
        .def("add_attribute_token_domains",
             [](EncoderConfig& config, const std::vector<std::pair<std::string, int>>& domains) {
                 std::vector<TokenDomain> typed;
                 for (const auto& [name, size] : domains) {
                     const auto type = token_type_from_name(name);
                     if (!type) throw py::value_error("unknown token type \"" + name + "\"");
                     typed.emplace_back(*type, size);
                 }
                 config.add_attribute_token_domains(typed);
             });
}

void bind_vocabulary(py::module_& m) {
    py::class_<Vocabulary>(m, "Vocabulary")
        .def(py::init<EncoderConfig>(), py::arg("config"))
        .def("size", &Vocabulary::size)
        .def("has", &Vocabulary::has)
        .def("domain_size", &Vocabulary::domain_size)
        .def("range", &Vocabulary::range)
        .def("encode_val", &Vocabulary::encode)
        .def("decode", [](const Vocabulary& v, int id) { return std::pair{v.type(id), v.value(id)}; })
        .def("get_type", &Vocabulary::type)
        .def("is_type", &Vocabulary::is_type)
        .def("config", [](const Vocabulary& v) { return EncoderConfig(v.config()); });
}

}  // namespace

void bind_tokens(py::module_& m) {
    bind_token_type(m);
    bind_encoder_config(m);
    bind_vocabulary(m);
}

}  // namespace midigpt::bindings
