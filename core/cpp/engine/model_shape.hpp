// The sizes of a decoder-only transformer and the two families the engine runs.
#pragma once

#include "engine/kernels.hpp"

namespace midigpt::engine {

// Gpt2: LayerNorm, learned positions, biases, GELU. Llama: RMSNorm, rotary positions, SwiGLU.
enum class Family { Gpt2, Llama };

// Rotary frequencies of Llama 3.1 and later; factor 1 switches the scaling off.
struct RopeScaling {
    double factor = 1.0;
    double low_frequency_factor = 1.0;
    double high_frequency_factor = 4.0;
    int original_positions = 8192;
};

struct ModelShape {
    Family family = Family::Gpt2;
    int vocab_size = 0;
    int n_positions = 0;  // capacity of a sequence
    int width = 0;        // of the residual stream
    int inner = 0;        // of the feed-forward layer
    int n_layer = 0;
    int n_head = 0;
    int n_kv_head = 0;
    int head_size = 0;
    float norm_eps = 1e-5f;
    double rope_theta = 10000.0;
    RopeScaling rope_scaling;

    // Throws std::invalid_argument naming the first size that is out of range.
    void check() const;

    // Query heads that share one key head.
    int group() const { return n_head / n_kv_head; }
    int padded_head() const { return padded(head_size); }
    // Rows of one key head's block of the query-key-value matrix: queries, key, value.
    int block_rows() const { return (group() + 2) * padded_head(); }
    int attention_width() const { return n_head * padded_head(); }
};

}  // namespace midigpt::engine
