// Sixteen lanes in plain C++: builds everywhere, and the reference that the other variants are
// tested against. Everything is in an unnamed namespace, as in the other variants.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/number.hpp"

namespace midigpt::engine {
namespace {

struct Floats {
    float lane[16];
};
struct Ints {
    std::int32_t lane[16];
};
struct WeightBytes {
    const std::uint8_t* bytes;
};
struct Quad {
    std::int32_t value[4];
};

constexpr int kTileTokens = 1;  // of one register tile
constexpr int kTilePanels = 1;
constexpr int kAccumulators = 1;           // of attention
constexpr std::int32_t kWeightExcess = 0;  // what `dot` sees on top of each weight

inline void prefetch(const void*) {}

template <class Function>
inline Floats each(Function function) {
    Floats out;
    for (int i = 0; i < 16; ++i) out.lane[i] = function(i);
    return out;
}

inline Floats fill(float x) { return each([&](int) { return x; }); }
inline Floats zeros() { return fill(0.0f); }
template <class Number>
inline Floats load(const Number* p) { return each([&](int i) { return to_float(p[i]); }); }
inline void store(float* p, const Floats& x) {
    for (int i = 0; i < 16; ++i) p[i] = x.lane[i];
}
inline void store(Half* p, const Floats& x) {
    for (int i = 0; i < 16; ++i) p[i] = to_half(x.lane[i]);
}
inline Floats add(const Floats& a, const Floats& b) { return each([&](int i) { return a.lane[i] + b.lane[i]; }); }
inline Floats sub(const Floats& a, const Floats& b) { return each([&](int i) { return a.lane[i] - b.lane[i]; }); }
inline Floats mul(const Floats& a, const Floats& b) { return each([&](int i) { return a.lane[i] * b.lane[i]; }); }
inline Floats div(const Floats& a, const Floats& b) { return each([&](int i) { return a.lane[i] / b.lane[i]; }); }
inline Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return each([&](int i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
}
inline Floats min(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Floats max(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Floats absolute(const Floats& a) { return each([&](int i) { return std::fabs(a.lane[i]); }); }
inline Floats swap_neighbours(const Floats& a) { return each([&](int i) { return a.lane[i ^ 1]; }); }
inline Floats round_to_even(const Floats& a) { return each([&](int i) { return std::nearbyint(a.lane[i]); }); }
// x * 2^n for a whole n in -126..127.
inline Floats scale_by_power(const Floats& x, const Floats& n) {
    return each([&](int i) {
        const auto exponent = static_cast<std::uint32_t>(static_cast<int>(n.lane[i]) + 127);
        return x.lane[i] * std::bit_cast<float>(exponent << 23);
    });
}
inline float sum(const Floats& a) {
    float total = 0;
    for (const float x : a.lane) total += x;
    return total;
}
inline float maximum(const Floats& a) {
    float most = a.lane[0];
    for (const float x : a.lane) most = x > most ? x : most;
    return most;
}

inline Ints fill_int(std::int32_t x) {
    Ints out;
    for (auto& lane : out.lane) lane = x;
    return out;
}
inline Floats to_floats(const Ints& a) { return each([&](int i) { return static_cast<float>(a.lane[i]); }); }
inline WeightBytes load_weights(const std::uint8_t* p) { return {p}; }
inline Quad load_quad(const std::int8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
// acc + dot product of four weights with four activations, per lane.
inline Ints dot(Ints acc, WeightBytes weights, const Quad& x) {
    for (int i = 0; i < 16; ++i) {
        const std::uint8_t* w = weights.bytes + 4 * i;
        for (int k = 0; k < 4; ++k) acc.lane[i] += (w[k] - 128) * x.value[k];
    }
    return acc;
}
// Values in -127..127, rounded to bytes; returns their sum.
inline std::int32_t store_rounded(std::int8_t* p, const Floats& x) {
    std::int32_t total = 0;
    for (int i = 0; i < 16; ++i) {
        p[i] = static_cast<std::int8_t>(std::nearbyint(x.lane[i]));
        total += p[i];
    }
    return total;
}

}  // namespace
}  // namespace midigpt::engine
