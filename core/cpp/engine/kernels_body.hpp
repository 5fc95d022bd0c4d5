// The kernels in terms of sixteen lanes. A kernel file includes one lanes_*.hpp and then this, and is
// compiled for its instruction set; nothing here may be visible to other files.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "engine/kernels.hpp"

namespace midigpt::engine {
namespace {

constexpr int kPanelTile = 4;  // for a single token

// Calls body(0), …, body(N - 1) with constants, so that arrays indexed by them live in registers. (Left to
// loops, gcc unrolls after it has decided to keep the arrays in memory.)
#if defined(__GNUC__) || defined(__clang__)
#define MIDIGPT_INLINED __attribute__((always_inline))
#else
#define MIDIGPT_INLINED
#endif
template <int N, class Body>
MIDIGPT_INLINED inline void repeat(Body&& body) {
    [&]<int... I>(std::integer_sequence<int, I...>) MIDIGPT_INLINED {
        (body(std::integral_constant<int, I>{}), ...);
    }(std::make_integer_sequence<int, N>{});
}

// ---- products --------------------------------------------------------------------------------

inline void write(const Product& out, int token, int row, Floats y) {
    float* p = out.values + static_cast<std::size_t>(token) * out.stride + row;
    store(p, out.accumulate ? add(load(p), y) : y);
}

// What T rows of whole numbers, `stride` apart, are multiplied with: P panels of `columns`, `panel_step` apart,
// groups of four columns `step` apart. Meanwhile `next` is prefetched, `pace` bytes a group.
struct Int8Block {
    const std::uint8_t* weights;
    std::size_t panel_step;
    std::size_t step;
    int columns;
    const std::uint8_t* next;
    std::size_t pace;
};

// Adds the products; `Lines` panels are prefetched.
template <int T, int P, int Lines>
MIDIGPT_INLINED inline void add_products(Ints (&acc)[T][P], const Int8Block& block, const std::int8_t* rows, std::size_t stride) {
    const std::uint8_t* weights = block.weights;
    const std::uint8_t* next = block.next;
    for (int column = 0; column < block.columns; column += 4, weights += block.step, next += block.pace) {
        repeat<Lines>([&](auto line) MIDIGPT_INLINED { prefetch(next + line * block.panel_step); });
        if constexpr (T == 1) {  // one panel after the other, to save registers
            const Quad quad = load_quad(rows + column);
            repeat<P>([&](auto p) MIDIGPT_INLINED {
                acc[0][p] = dot(acc[0][p], load_weights(weights + p * block.panel_step), quad);
            });
        } else {
            WeightBytes w[P];
            repeat<P>([&](auto p) MIDIGPT_INLINED { w[p] = load_weights(weights + p * block.panel_step); });
            repeat<T>([&](auto t) MIDIGPT_INLINED {
                const Quad quad = load_quad(rows + t * stride + column);
                repeat<P>([&](auto p) MIDIGPT_INLINED { acc[t][p] = dot(acc[t][p], w[p], quad); });
            });
        }
    }
}

// Tokens [token, token + T) times panels [panel, panel + P). The tiles of several tokens that pass over the panels
// fetch the next ones together, each its share, so that memory never rests; what is read for a single token is
// prefetched by the processor.
template <int T, int P>
void int8_tile(const Panels& panels, const Int8Rows& x, const Product& out, int token, int panel) {
    const std::size_t panel_bytes = static_cast<std::size_t>(panels.columns) * kLanes;
    const auto* weights = static_cast<const std::uint8_t*>(panels.weights) + panel * panel_bytes;
    const std::int8_t* rows = x.values + static_cast<std::size_t>(token) * x.stride;

    Ints acc[T][P];
    repeat<T>([&](auto t) MIDIGPT_INLINED {
        repeat<P>([&](auto p) MIDIGPT_INLINED { acc[t][p] = fill_int(-kWeightExcess * x.sum[token + t]); });
    });
    const int tiles = (x.count + kTileTokens - 1) / kTileTokens;
    const std::size_t share = panel_bytes / tiles;
    const std::uint8_t* next = weights + P * panel_bytes + token / kTileTokens * share;
    constexpr std::size_t kStep = 4 * kLanes;
    const Int8Block block{.weights = weights, .panel_step = panel_bytes, .step = kStep, .columns = panels.columns,
                          .next = next, .pace = kStep / tiles};
    add_products<T, P, (T > 1)>(acc, block, rows, x.stride);
    repeat<T>([&](auto t) MIDIGPT_INLINED {
        const Floats token_scale = fill(x.scale[token + t]);
        repeat<P>([&](auto p) MIDIGPT_INLINED {
            const int row = (panel + p) * kLanes;
            const Floats bias = panels.bias == nullptr ? zeros() : load(panels.bias + row);
            const Floats scale = mul(token_scale, load(panels.scale + row));
            write(out, token + t, row, fma(to_floats(acc[t][p]), scale, bias));
        });
    });
}

template <class Number, int T, int P>
void float_tile(const Panels& panels, const FloatRows& x, const Product& out, int token, int panel) {
    const std::size_t panel_size = static_cast<std::size_t>(panels.columns) * kLanes;
    const auto* weights = static_cast<const Number*>(panels.weights) + panel * panel_size;
    const float* rows = x.values + static_cast<std::size_t>(token) * x.stride;

    Floats acc[T][P];
    repeat<T>([&](auto t) MIDIGPT_INLINED {
        repeat<P>([&](auto p) MIDIGPT_INLINED { acc[t][p] = zeros(); });
    });
    for (int column = 0; column < panels.columns; ++column) {
        Floats w[P];
        repeat<P>([&](auto p) MIDIGPT_INLINED {
            w[p] = load(weights + p * panel_size + static_cast<std::size_t>(column) * kLanes);
        });
        repeat<T>([&](auto t) MIDIGPT_INLINED {
            const Floats value = fill(rows[static_cast<std::size_t>(t) * x.stride + column]);
            repeat<P>([&](auto p) MIDIGPT_INLINED { acc[t][p] = fma(w[p], value, acc[t][p]); });
        });
    }
    repeat<T>([&](auto t) MIDIGPT_INLINED {
        repeat<P>([&](auto p) MIDIGPT_INLINED {
            const int row = (panel + p) * kLanes;
            write(out, token + t, row,
                  panels.bias == nullptr ? acc[t][p] : add(acc[t][p], load(panels.bias + row)));
        });
    });
}

struct Int8Tile {
    template <int T, int P>
    static void run(const Panels& panels, const Int8Rows& x, const Product& out, int token, int panel) {
        int8_tile<T, P>(panels, x, out, token, panel);
    }
};

template <class Number>
struct FloatTile {
    template <int T, int P>
    static void run(const Panels& panels, const FloatRows& x, const Product& out, int token, int panel) {
        float_tile<Number, T, P>(panels, x, out, token, panel);
    }
};

// All tokens against P panels, in tiles of T tokens, then smaller ones.
template <class Tile, int T, int P, class Rows>
void multiply_tokens(const Panels& panels, const Rows& x, const Product& out, int token, int panel) {
    for (; token + T <= x.count; token += T) Tile::template run<T, P>(panels, x, out, token, panel);
    if constexpr (T > 1) {
        if (token < x.count) multiply_tokens<Tile, T - 1, P>(panels, x, out, token, panel);
    }
}

// A single token takes several panels at once, which are independent sums. Several tokens share the
// panels of a tile, which stay in the first- or second-level cache while all tokens pass. `PanelsOfOne` is
// 1 for panels so short that the processor prefetches better what is read in one piece.
template <class Tile, int PanelsOfOne, class Rows>
void multiply(const Panels& panels, const Rows& x, const Product& out) {
    int panel = 0;
    if (x.count == 1) {
        for (; panel + PanelsOfOne <= panels.count; panel += PanelsOfOne) {
            Tile::template run<1, PanelsOfOne>(panels, x, out, 0, panel);
        }
    }
    for (; panel + kTilePanels <= panels.count; panel += kTilePanels) {
        multiply_tokens<Tile, kTileTokens, kTilePanels>(panels, x, out, 0, panel);
    }
    for (; panel < panels.count; ++panel) {
        multiply_tokens<Tile, kTileTokens, 1>(panels, x, out, 0, panel);
    }
}

void quantize(const float* x, int width, std::int8_t* values, float* scale, std::int32_t* total) {
    Floats most = zeros();
    for (int i = 0; i < width; i += kLanes) {
        const Floats y = load(x + i);
        most = max(most, max(absolute(y), absolute(add(y, swap_neighbours(y)))));
    }
    const float largest = maximum(most);
    *scale = largest / 127.0f;
    const Floats factor = fill(largest > 0.0f ? 127.0f / largest : 0.0f);
    *total = 0;
    for (int i = 0; i < width; i += kLanes) *total += store_rounded(values + i, mul(load(x + i), factor));
}

// ---- norms and activations -------------------------------------------------------------------

void layer_norm(const float* x, int width, const float* weight, const float* bias, float eps,
                float* out) {
    const int whole = width / kLanes * kLanes;
    Floats totals = zeros();
    for (int i = 0; i < whole; i += kLanes) totals = add(totals, load(x + i));
    float total = sum(totals);
    for (int i = whole; i < width; ++i) total += x[i];
    const float mean = total / static_cast<float>(width);

    Floats squares = zeros();
    for (int i = 0; i < whole; i += kLanes) {
        const Floats centred = sub(load(x + i), fill(mean));
        squares = fma(centred, centred, squares);
    }
    float square = sum(squares);
    for (int i = whole; i < width; ++i) square += (x[i] - mean) * (x[i] - mean);
    const float factor = 1.0f / std::sqrt(square / static_cast<float>(width) + eps);

    for (int i = 0; i < whole; i += kLanes) {
        const Floats normed = mul(sub(load(x + i), fill(mean)), fill(factor));
        store(out + i, fma(normed, load(weight + i), load(bias + i)));
    }
    for (int i = whole; i < width; ++i) out[i] = (x[i] - mean) * factor * weight[i] + bias[i];
    for (int i = width; i < padded(width); ++i) out[i] = 0.0f;
}

void rms_norm(const float* x, int width, const float* weight, float eps, float* out) {
    const int whole = width / kLanes * kLanes;
    Floats squares = zeros();
    for (int i = 0; i < whole; i += kLanes) squares = fma(load(x + i), load(x + i), squares);
    float square = sum(squares);
    for (int i = whole; i < width; ++i) square += x[i] * x[i];
    const float factor = 1.0f / std::sqrt(square / static_cast<float>(width) + eps);

    for (int i = 0; i < whole; i += kLanes) {
        store(out + i, mul(mul(load(x + i), fill(factor)), load(weight + i)));
    }
    for (int i = whole; i < width; ++i) out[i] = x[i] * factor * weight[i];
    for (int i = width; i < padded(width); ++i) out[i] = 0.0f;
}

// e^x: 2^n times a polynomial on |r| <= ln(2)/2 (Cephes' expf), relative error about 1e-7.
inline Floats exponential(Floats x) {
    x = max(min(x, fill(88.0f)), fill(-87.0f));
    const Floats n = round_to_even(mul(x, fill(1.44269504f)));
    Floats r = fma(n, fill(-0.693359375f), x);
    r = fma(n, fill(2.12194440e-4f), r);
    Floats p = fill(1.9875691500e-4f);
    p = fma(p, r, fill(1.3981999507e-3f));
    p = fma(p, r, fill(8.3334519073e-3f));
    p = fma(p, r, fill(4.1665795894e-2f));
    p = fma(p, r, fill(1.6666665459e-1f));
    p = fma(p, r, fill(5.0000001201e-1f));
    return scale_by_power(add(fma(p, mul(r, r), r), fill(1.0f)), n);
}

// x * sigmoid(u)
inline Floats gated(Floats x, Floats u) {
    return div(x, add(fill(1.0f), exponential(sub(zeros(), u))));
}

void gelu(float* x, int width) {
    for (int i = 0; i < width; i += kLanes) {
        const Floats z = load(x + i);
        // 0.5 * (1 + tanh(u)) = sigmoid(2u)
        const Floats inner = fma(mul(z, z), fill(2.0f * 0.79788456f * 0.044715f), fill(2.0f * 0.79788456f));
        store(x + i, gated(z, mul(z, inner)));
    }
}

void silu_product(float* gate, const float* up, int width) {
    for (int i = 0; i < width; i += kLanes) {
        const Floats z = load(gate + i);
        store(gate + i, mul(gated(z, z), load(up + i)));
    }
}

// ---- attention -------------------------------------------------------------------------------

inline void store(std::uint8_t* p, Floats x) {
    float lanes[kLanes];
    store(lanes, round_to_even(x));
    for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::uint8_t>(static_cast<int>(lanes[i]) + 128);
}

// What the entries of x are multiplied with before they are rounded; `scales` is null for types without.
inline Floats rounding_factor(const float* x, int width, int position, float* scales) {
    if (scales == nullptr) return fill(1.0f);
    Floats most = zeros();
    for (int i = 0; i < width; i += kLanes) most = max(most, absolute(load(x + i)));
    const float largest = maximum(most);
    scales[position] = largest / 127.0f;
    return fill(largest > 0.0f ? 127.0f / largest : 0.0f);
}

template <class Number>
void append(const float* key, const float* value, int width, int position, const HeadCache<Number>& cache) {
    const Floats key_factor = rounding_factor(key, width, position, cache.key_scales);
    const Floats value_factor = rounding_factor(value, width, position, cache.value_scales);
    for (int i = 0; i < width; i += kLanes) {
        Number lanes[kLanes];
        store(lanes, mul(load(key + i), key_factor));
        for (int j = 0; j < kLanes; ++j) cache.keys[key_place<Number>(position, i + j, width)] = lanes[j];
        store(lanes, mul(load(value + i), value_factor));
        for (int j = 0; j < kLanes; ++j) cache.values[value_place<Number>(position, i + j, width)] = lanes[j];
    }
}

constexpr float kHidden = -3.0e38f;

// Of a cache that is read once for a single query; the processor's own prefetching begins too late.
template <int Bytes>
inline void prefetch_lines(const void* p) {
    for (int line = 0; line < Bytes; line += 64) prefetch(static_cast<const char*>(p) + line);
}

// Every score is one chain of multiply-adds, however many queries and positions are computed side by
// side, so that a token's result does not depend on its company.
constexpr int side_by_side(int queries) { return std::clamp(kAccumulators / queries, 1, 4); }

// Scores of B blocks of 16 positions for Q queries.
template <int Q, int B, class Number>
inline void score_blocks(const AttentionHead<Number>& head, const float* query, int position) {
    const std::size_t block = static_cast<std::size_t>(head.width) * kLanes;
    const Number* keys = head.cache.keys + position / kLanes * block;
    const Number* next = position + B * kLanes < head.visible ? keys + B * block : head.cache.values;
    Floats acc[Q][B];
    repeat<Q>([&](auto q) MIDIGPT_INLINED {
        repeat<B>([&](auto b) MIDIGPT_INLINED { acc[q][b] = zeros(); });
    });
    for (int i = 0; i < head.width; ++i) {
        if constexpr (Q == 1) prefetch_lines<B * kLanes * sizeof(Number)>(next + i * B * kLanes);
        Floats k[B];
        repeat<B>([&](auto b) MIDIGPT_INLINED { k[b] = load(keys + b * block + static_cast<std::size_t>(i) * kLanes); });
        repeat<Q>([&](auto q) MIDIGPT_INLINED {
            const Floats value = fill(query[static_cast<std::size_t>(q) * head.query_stride + i]);
            repeat<B>([&](auto b) MIDIGPT_INLINED { acc[q][b] = fma(k[b], value, acc[q][b]); });
        });
    }
    repeat<Q>([&](auto q) MIDIGPT_INLINED {
        float* scores = head.scratch + static_cast<std::size_t>(q) * head.capacity + position;
        repeat<B>([&](auto b) MIDIGPT_INLINED { store(scores + b * kLanes, acc[q][b]); });
    });
}

// Turns the first `visible` scores into exponentials, each times the scale of its value where there are
// scales; returns 1 / the sum of the exponentials, or 0 when all are hidden.
inline float softmax(float* scores, int visible, const std::uint8_t* shown, const float* scales) {
    const int end = padded(visible);
    if (shown != nullptr) {
        for (int i = 0; i < visible; ++i) scores[i] = shown[i] != 0 ? scores[i] : kHidden;
    }
    for (int i = visible; i < end; ++i) scores[i] = kHidden;

    Floats most = fill(kHidden);
    for (int i = 0; i < end; i += kLanes) most = max(most, load(scores + i));
    const float largest = maximum(most);
    if (largest <= kHidden) {
        for (int i = 0; i < end; i += kLanes) store(scores + i, zeros());
        return 0.0f;
    }
    Floats total = zeros();
    for (int i = 0; i < end; i += kLanes) {
        const Floats e = exponential(sub(load(scores + i), fill(largest)));
        total = add(total, e);
        store(scores + i, scales == nullptr ? e : mul(e, load(scales + i)));
    }
    return 1.0f / sum(total);
}

constexpr int kValuesAhead = 32;  // prefetched

// Weighted sum of values, W registers of the head at a time.
template <int Q, int W, class Number>
inline void mix(const AttentionHead<Number>& head, int first, int visible, int query,
                const float* factor) {
    Floats acc[Q][W];
    repeat<Q>([&](auto q) MIDIGPT_INLINED {
        repeat<W>([&](auto w) MIDIGPT_INLINED { acc[q][w] = zeros(); });
    });
    const Number* value = head.cache.values + first;
    for (int position = 0; position < visible; ++position, value += head.width) {
        if (Q == 1 && position + kValuesAhead < visible) {
            prefetch_lines<W * kLanes * sizeof(Number)>(value + kValuesAhead * head.width);
        }
        Floats v[W];
        repeat<W>([&](auto w) MIDIGPT_INLINED { v[w] = load(value + w * kLanes); });
        repeat<Q>([&](auto q) MIDIGPT_INLINED {
            const Floats weight = fill(head.scratch[static_cast<std::size_t>(q) * head.capacity + position]);
            repeat<W>([&](auto w) MIDIGPT_INLINED { acc[q][w] = fma(weight, v[w], acc[q][w]); });
        });
    }
    repeat<Q>([&](auto q) MIDIGPT_INLINED {
        float* out = head.out + static_cast<std::size_t>(query + q) * head.out_stride + first;
        repeat<W>([&](auto w) MIDIGPT_INLINED { store(out + w * kLanes, mul(acc[q][w], fill(factor[q]))); });
    });
}

// Q queries from `query` on.
template <int Q, class Number>
void attend_tile(const AttentionHead<Number>& head, int query) {
    const int last = head.visible + (query + Q - 1) * head.growth;
    const float* rows = head.query + static_cast<std::size_t>(query) * head.query_stride;
    constexpr int kBlocks = side_by_side(Q);
    int position = 0;
    for (; position + kBlocks * kLanes <= last; position += kBlocks * kLanes) {
        score_blocks<Q, kBlocks>(head, rows, position);
    }
    for (; position < last; position += kLanes) score_blocks<Q, 1>(head, rows, position);
    float factor[Q];
    for (int q = 0; q < Q; ++q) {
        float* scores = head.scratch + static_cast<std::size_t>(q) * head.capacity;
        const int visible = head.visible + (query + q) * head.growth;
        factor[q] = softmax(scores, visible, head.shown, nullptr);
        for (int i = padded(visible); i < last; ++i) scores[i] = 0.0f;
    }
    int first = 0;
    for (; first + kBlocks * kLanes <= head.width; first += kBlocks * kLanes) {
        mix<Q, kBlocks>(head, first, last, query, factor);
    }
    for (; first < head.width; first += kLanes) mix<Q, 1>(head, first, last, query, factor);
}

// ---- attention with an int8 cache, in whole numbers ------------------------------------------

constexpr int kGroup = kTogether<std::uint8_t>;
constexpr int kDigits = 2;  // of a value's weight, to the base of 128; neighbours as small as quantize() makes them
constexpr float kMostWeight = 64.0f * 128.0f;

// Rounds the first `count` weights to 0..kMostWeight, a row of `stride` for each digit; returns what one is worth.
inline float round_weights(const float* weights, int count, std::int8_t* rounded, int stride, std::int32_t* sums) {
    Floats most = zeros();
    for (int i = 0; i < count; i += kLanes) most = max(most, load(weights + i));
    const float largest = maximum(most);
    const Floats factor = fill(largest > 1e-30f ? kMostWeight / largest : 0.0f);
    sums[0] = sums[1] = 0;
    for (int i = 0; i < count; i += kLanes) {
        const Floats whole = round_to_even(mul(load(weights + i), factor));
        const Floats high = round_to_even(mul(whole, fill(1.0f / 128.0f)));
        sums[0] += store_rounded(rounded + i, high);
        sums[1] += store_rounded(rounded + stride + i, fma(high, fill(-128.0f), whole));
    }
    return largest / kMostWeight;
}

// Weighted sums of P * 16 entries of the first `count` values for Q queries, whose weights are in `rows`.
template <int Q, int P>
inline void mix_rounded(const AttentionHead<std::uint8_t>& head, int first, int count, const std::int8_t* rows,
                        const std::int32_t* sums, const float* factor, float* out) {
    constexpr int kRows = Q * kDigits;
    Ints acc[kRows][P];
    repeat<kRows>([&](auto t) MIDIGPT_INLINED {
        repeat<P>([&](auto p) MIDIGPT_INLINED { acc[t][p] = fill_int(-kWeightExcess * sums[t]); });
    });
    const std::size_t width = head.width;
    const std::uint8_t* values = head.cache.values + value_place<std::uint8_t>(0, first, head.width);
    const Int8Block block{.weights = values, .panel_step = kGroup * kLanes, .step = kGroup * width, .columns = count,
                          .next = values + kValuesAhead * width, .pace = kGroup * width};
    add_products<kRows, P, Q == 1 ? P : 0>(acc, block, rows, head.capacity);
    repeat<Q>([&](auto q) MIDIGPT_INLINED {
        repeat<P>([&](auto p) MIDIGPT_INLINED {
            const Floats y = fma(to_floats(acc[2 * q][p]), fill(128.0f), to_floats(acc[2 * q + 1][p]));
            store(out + static_cast<std::size_t>(q) * head.out_stride + first + p * kLanes, mul(y, fill(factor[q])));
        });
    });
}

template <int Q>
void attend_tile(const AttentionHead<std::uint8_t>& head, int query) {
    const int last = head.visible + (query + Q - 1) * head.growth;
    std::int8_t* rounded = head.rounded;
    float factor[Q];
    std::int32_t sums[Q * kDigits];
    for (int q = 0; q < Q; ++q) {
        const float* row = head.query + static_cast<std::size_t>(query + q) * head.query_stride;
        quantize(row, head.width, rounded + static_cast<std::size_t>(q) * head.capacity, &factor[q], &sums[q]);
    }
    multiply<Int8Tile, 1>({head.cache.keys, head.cache.key_scales, nullptr, padded(last) / kLanes, head.width},
                      Int8Rows{rounded, factor, sums, head.capacity, Q}, {head.scratch, head.capacity, false});
    for (int byte = 0; Q == 1 && byte < kValuesAhead * head.width; byte += 64) prefetch(head.cache.values + byte);
    for (int q = 0; q < Q; ++q) {
        float* scores = head.scratch + static_cast<std::size_t>(q) * head.capacity;
        const int visible = head.visible + (query + q) * head.growth;
        factor[q] = softmax(scores, visible, head.shown, head.cache.value_scales);
        for (int i = padded(visible); i < padded(last); ++i) scores[i] = 0.0f;
        factor[q] *= round_weights(scores, padded(last), rounded + static_cast<std::size_t>(q) * kDigits * head.capacity,
                                   head.capacity, sums + q * kDigits);
    }
    constexpr int kQueries = std::max(1, Q / kDigits);  // at once
    constexpr int kPanels = side_by_side(kQueries * kDigits);
    const int count = (last + kGroup - 1) / kGroup * kGroup;
    for (int q = 0; q < Q; q += kQueries) {
        const std::int8_t* rows = rounded + static_cast<std::size_t>(q) * kDigits * head.capacity;
        float* out = head.out + static_cast<std::size_t>(query + q) * head.out_stride;
        int first = 0;
        for (; first + kPanels * kLanes <= head.width; first += kPanels * kLanes) {
            mix_rounded<kQueries, kPanels>(head, first, count, rows, sums + q * kDigits, factor + q, out);
        }
        for (; first < head.width; first += kLanes) {
            mix_rounded<kQueries, 1>(head, first, count, rows, sums + q * kDigits, factor + q, out);
        }
    }
}

template <class Number>
void attend(const AttentionHead<Number>& head) {
    int query = 0;
    for (; query + kQueryTile <= head.count; query += kQueryTile) attend_tile<kQueryTile>(head, query);
    for (; query < head.count; ++query) attend_tile<1>(head, query);
}

constexpr Kernels make_kernels(const char* name) {
    return {
        name,
        multiply<FloatTile<float>, kPanelTile, FloatRows>,
        multiply<FloatTile<BFloat16>, kPanelTile, FloatRows>,
        multiply<Int8Tile, kPanelTile, Int8Rows>,
        quantize,
        layer_norm,
        rms_norm,
        gelu,
        silu_product,
        {append<float>, attend<float>},
        {append<Half>, attend<Half>},
        {append<std::uint8_t>, attend<std::uint8_t>},
    };
}

}  // namespace
}  // namespace midigpt::engine
