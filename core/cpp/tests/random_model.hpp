// Files of a test, and models with random weights to put into them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "engine/model_shape.hpp"

namespace midigpt::tests {

inline std::mt19937& random_bits() {
    static std::mt19937 generator(1);
    return generator;
}

inline float random_float(float scale = 1.0f) {
    return std::normal_distribution<float>(0.0f, scale)(random_bits());
}

inline int random_int(int first, int last) { return std::uniform_int_distribution<int>(first, last)(random_bits()); }

// A file of its own for each test, removed at the end.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content) {
        path = std::filesystem::temp_directory_path() /
               ("midigpt_engine_test_" + std::to_string(std::random_device{}()));
        std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    ~TemporaryFile() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

inline std::string safetensors(const std::string& header, const std::string& data) {
    std::string file(8, '\0');
    for (int i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
    return file + header + data;
}

// A GPT-2 or Llama of the given sizes with random weights.
inline std::string random_model(const engine::ModelShape& shape) {
    std::string header = "{";
    std::string data;
    const auto add = [&](const std::string& name, std::vector<int> extents) {
        std::size_t count = 1;
        std::string sizes;
        for (const int extent : extents) {
            count *= extent;
            sizes += (sizes.empty() ? "" : ",") + std::to_string(extent);
        }
        header += (header.size() > 1 ? ",\"" : "\"") + name + "\":{\"dtype\":\"F32\",\"shape\":[" + sizes +
                  "],\"data_offsets\":[" + std::to_string(data.size()) + "," +
                  std::to_string(data.size() + 4 * count) + "]}";
        for (std::size_t i = 0; i < count; ++i) {
            const float value = random_float(0.3f);
            data.append(reinterpret_cast<const char*>(&value), sizeof(value));
        }
    };
    const int width = shape.width;
    if (shape.family == engine::Family::Llama) {
        const int queries = shape.n_head * shape.head_size;
        const int keys = shape.n_kv_head * shape.head_size;
        add("model.embed_tokens.weight", {shape.vocab_size, width});
        add("lm_head.weight", {shape.vocab_size, width});
        add("model.norm.weight", {width});
        for (int i = 0; i < shape.n_layer; ++i) {
            const std::string block = "model.layers." + std::to_string(i);
            add(block + ".input_layernorm.weight", {width});
            add(block + ".post_attention_layernorm.weight", {width});
            add(block + ".self_attn.q_proj.weight", {queries, width});
            add(block + ".self_attn.k_proj.weight", {keys, width});
            add(block + ".self_attn.v_proj.weight", {keys, width});
            add(block + ".self_attn.o_proj.weight", {width, queries});
            add(block + ".mlp.gate_proj.weight", {shape.inner, width});
            add(block + ".mlp.up_proj.weight", {shape.inner, width});
            add(block + ".mlp.down_proj.weight", {width, shape.inner});
        }
        return safetensors(header + "}", data);
    }
    add("transformer.wte.weight", {shape.vocab_size, width});
    add("transformer.wpe.weight", {shape.n_positions, width});
    add("lm_head.weight", {shape.vocab_size, width});
    const auto norm = [&](const std::string& name) {
        add(name + ".weight", {width});
        add(name + ".bias", {width});
    };
    const auto linear = [&](const std::string& name, int inputs, int outputs) {
        add(name + ".weight", {inputs, outputs});
        add(name + ".bias", {outputs});
    };
    norm("transformer.ln_f");
    for (int i = 0; i < shape.n_layer; ++i) {
        const std::string block = "transformer.h." + std::to_string(i);
        norm(block + ".ln_1");
        norm(block + ".ln_2");
        linear(block + ".attn.c_attn", width, 3 * width);
        linear(block + ".attn.c_proj", width, width);
        linear(block + ".mlp.c_fc", width, shape.inner);
        linear(block + ".mlp.c_proj", shape.inner, width);
    }
    return safetensors(header + "}", data);
}

}  // namespace midigpt::tests
