// The inner loops of the transformer, once per instruction set, chosen at run time.
//
// Matrices are stored in panels of 16 output rows. A panel of floats holds, for each column, the 16
// rows' weights; a panel of int8 holds, for each group of 4 columns, 16 rows of 4 weights, each plus
// 128 so that unsigned-by-signed dot products apply. Widths are padded with zeros to a multiple of 16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

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

// Activations rounded as by quantize(), each row with its own scale.
struct Int8Rows {
    const std::int8_t* values = nullptr;
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

// What is cached of one key head. std::uint8_t stands for int8: a key or value rounded to -127..127, plus 128 like
// the weights of a panel, with a scale of its own, max|x| / 127, by position; other types have none.
template <class Number>
struct HeadCache {
    Number* keys = nullptr;    // at key_place()
    Number* values = nullptr;  // at value_place()
    float* key_scales = nullptr;
    float* value_scales = nullptr;
};

// Where entry `i` of a position's key or value is. Keys of 16 positions are the rows of a panel; values of 4
// positions (int8) or of one are its columns.
template <class Number>
inline constexpr int kTogether = std::is_same_v<Number, std::uint8_t> ? 4 : 1;  // numbers of a row, side by side
template <class Number>
constexpr std::size_t key_place(std::size_t position, int i, int width) {
    constexpr int kGroup = kTogether<Number>;
    return (position / kLanes * width + i / kGroup * kGroup) * kLanes + position % kLanes * kGroup + i % kGroup;
}
template <class Number>
constexpr std::size_t value_place(std::size_t position, int i, int width) {
    constexpr int kGroup = kTogether<Number>;
    return position / kGroup * kGroup * width + static_cast<std::size_t>(i) * kGroup + position % kGroup;
}

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
    std::int8_t* rounded = nullptr;  // twice as many; int8 only
    int capacity = 0;              // multiple of 16, at least `width`
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
    // Rounds x with the scale that makes 127 of the largest number or sum of two neighbours (entries 2i and 2i + 1):
    // AVX2 multiplies such pairs with two weights of 0..255, and the sum of both products must fit 16 bits.
    void (*quantize)(const float* x, int width, std::int8_t* values, float* scale, std::int32_t* sum);
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
    CacheKernels<std::uint8_t> int8_cache;
};

// Every variant that this processor can run, the fastest first, plain C++ last.
std::span<const Kernels* const> available_kernels();

}  // namespace midigpt::engine
