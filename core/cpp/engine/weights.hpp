// The weights of a model in the kernels' layout: one block of memory, packed from safetensors files
// or read back from the cache directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/model_shape.hpp"
#include "engine/page_buffer.hpp"
#include "engine/packing.hpp"
#include "engine/safetensors.hpp"
#include "engine/thread_pool.hpp"

namespace midigpt::engine {

struct Norm {
    float* weight = nullptr;
    float* bias = nullptr;  // null for RMSNorm
};

struct Layer {
    Norm attention_norm;
    Panels query_key_value;  // per key head: its queries, key, value, each padded to 16 rows
    Panels attention_out;
    Norm feed_forward_norm;
    Panels gate;  // Llama only
    Panels up;
    Panels down;
};

class Weights {
public:
    // `cache_directory` empty: nothing is cached. Throws std::runtime_error naming a tensor that is
    // missing or has another shape.
    Weights(const ModelShape& shape, const std::vector<std::filesystem::path>& files, WeightType type,
            const std::filesystem::path& cache_directory, ThreadPool& pool);

    const Layer& layer(int index) const { return layers_[index]; }
    const Norm& final_norm() const { return final_norm_; }
    const Panels& head() const { return head_; }
    std::size_t bytes() const { return buffer_.size(); }  // of everything read for each token

    // Embedding of a token, plus that of its position for GPT-2.
    void embed(std::int32_t id, std::int32_t position, std::span<float> out) const;

private:
    TensorFiles files_;
    const Tensor* token_embedding_ = nullptr;
    const Tensor* position_embedding_ = nullptr;  // null for Llama
    PageBuffer buffer_;
    std::vector<Layer> layers_;
    Norm final_norm_;
    Panels head_;
};

}  // namespace midigpt::engine
