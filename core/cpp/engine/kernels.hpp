// The inner loops of the transformer, once per instruction set, chosen at run time.
//
// Matrices are stored in panels of 16 output rows. A panel of floats holds, for each column, the 16
// rows' weights; a panel of int8 holds, for each group of 4 columns, 16 rows of 4 weights, each plus
// 128 so that unsigned-by-signed dot products apply. Widths are padded with zeros to a multiple of 16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/number.hpp"

namespace midigpt::engine {

inline constexpr int kLanes = 16;

constexpr int padded(int width) { return (width + kLanes - 1) / kLanes * kLanes; }

// Consecutive panels of a matrix. `scale` and `bias` have one entry per row; null stands for 1 and 0.
struct Panels {
    const void* weights = nullptr;
    const float* scale = nullptr;  // int8 only
    const float* bias = nullptr;
    int count = 0;
    int columns = 0;  // padded
};

// Activations, one row per token.
struct FloatRows {
    const float* values = nullptr;
    int stride = 0;
    int count = 0;
};

// Activations rounded to -127..127, each row with its own scale.
struct Int8Rows {
    const void* values = nullptr;  // as the kernels' quantize() wrote them
    const float* scale = nullptr;
    const std::int32_t* sum = nullptr;  // of the row's rounded values
    int stride = 0;
    int count = 0;
};

struct Product {
    float* values = nullptr;  // one row per token
    int stride = 0;
    bool accumulate = false;  // add to what is there
};

// What is cached of one key head. An int8 key or value is rounded to -127..127 and has a scale of its
// own, max|x| / 127, by position; other types have none.
template <class Number>
struct HeadCache {
    Number* keys = nullptr;    // [position / 16][width][16]
    Number* values = nullptr;  // [position][width]
    float* key_scales = nullptr;
    float* value_scales = nullptr;
};

// Attention of `count` consecutive queries with one key head.
template <class Number>
struct AttentionHead {
    const float* query = nullptr;  // scaled by 1/sqrt(head size), rows `query_stride` apart
    int query_stride = 0;
    int count = 0;
    int width = 0;                 // padded head size
    HeadCache<Number> cache;
    int visible = 0;               // positions seen by the first query; each next one sees `growth` more
    int growth = 1;
    const std::uint8_t* shown = nullptr;  // per position, 0 hides it; null shows all
    float* scratch = nullptr;      // kQueryTile rows of `capacity`
    int capacity = 0;              // multiple of 16
    float* out = nullptr;          // rows `out_stride` apart
    int out_stride = 0;
};

inline constexpr int kQueryTile = 4;

template <class Number>
struct CacheKernels {
    // Writes one position's key and value (`width` floats each) into the head's cache.
    void (*append)(const float* key, const float* value, int width, int position, const HeadCache<Number>& cache);
    void (*attend)(const AttentionHead<Number>& head);
};

struct Kernels {
    const char* name;
    void (*multiply_float)(const Panels& panels, const FloatRows& x, const Product& out);
    void (*multiply_bfloat16)(const Panels& panels, const FloatRows& x, const Product& out);
    void (*multiply_int8)(const Panels& panels, const Int8Rows& x, const Product& out);
    std::size_t rounded_size;  // bytes of one activation in Int8Rows
    // Rounds x to -127..127 with scale max|x| / 127; `values` takes `width` times rounded_size bytes.
    void (*quantize)(const float* x, int width, void* values, float* scale, std::int32_t* sum);
    // (x - mean) / sqrt(variance + eps) * weight + bias over the first `width` entries; padding gets 0.
    void (*layer_norm)(const float* x, int width, const float* weight, const float* bias, float eps,
                       float* out);
    // x / sqrt(mean(x^2) + eps) * weight.
    void (*rms_norm)(const float* x, int width, const float* weight, float eps, float* out);
    // Tanh form of GELU, in place; `width` a multiple of 16.
    void (*gelu)(float* x, int width);
    // gate * sigmoid(gate) * up -> gate; `width` a multiple of 16.
    void (*silu_product)(float* gate, const float* up, int width);
    CacheKernels<float> float_cache;
    CacheKernels<Half> half_cache;
    CacheKernels<std::int8_t> int8_cache;
};

// Every variant that this processor can run, the fastest first, plain C++ last.
std::span<const Kernels* const> available_kernels();

}  // namespace midigpt::engine
