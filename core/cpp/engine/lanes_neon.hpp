// Sixteen lanes in four NEON registers (AArch64), with the dot-product extension where the compiler
// has it switched on. Everything is in an unnamed namespace, as in the other variants.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "engine/number.hpp"

namespace midigpt::engine {
namespace {

struct Floats {
    float32x4_t part[4];
};
struct Ints {
    int32x4_t part[4];
};
struct WeightBytes {
    int8x16_t part[4];
};
using Quad = int8x16_t;  // four activations, repeated

constexpr int kTileTokens = 4;             // of one register tile
constexpr int kTilePanels = 1;
constexpr int kAccumulators = 4;           // of attention, four registers each
constexpr std::int32_t kWeightExcess = 0;  // what `dot` sees on top of each weight

template <class Function>
inline Floats each(Function function) {
    return {{function(0), function(1), function(2), function(3)}};
}

inline void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

inline Floats fill(float x) { return each([&](int) { return vdupq_n_f32(x); }); }
inline Floats zeros() { return fill(0.0f); }
inline Floats load(const float* p) { return each([&](int i) { return vld1q_f32(p + 4 * i); }); }
inline Floats load(const Half* p) {
    return each([&](int i) {
        const uint16x4_t bits = vld1_u16(reinterpret_cast<const std::uint16_t*>(p) + 4 * i);
        return vcvt_f32_f16(vreinterpret_f16_u16(bits));
    });
}
inline Floats load(const BFloat16* p) {
    return each([&](int i) {
        const uint16x4_t bits = vld1_u16(reinterpret_cast<const std::uint16_t*>(p) + 4 * i);
        return vreinterpretq_f32_u32(vshll_n_u16(bits, 16));
    });
}
inline void store(float* p, const Floats& x) {
    for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.part[i]);
}
inline void store(Half* p, const Floats& x) {
    for (int i = 0; i < 4; ++i) {
        const uint16x4_t bits = vreinterpret_u16_f16(vcvt_f16_f32(x.part[i]));
        vst1_u16(reinterpret_cast<std::uint16_t*>(p) + 4 * i, bits);
    }
}
inline Floats add(const Floats& a, const Floats& b) {
    return each([&](int i) { return vaddq_f32(a.part[i], b.part[i]); });
}
inline Floats sub(const Floats& a, const Floats& b) {
    return each([&](int i) { return vsubq_f32(a.part[i], b.part[i]); });
}
inline Floats mul(const Floats& a, const Floats& b) {
    return each([&](int i) { return vmulq_f32(a.part[i], b.part[i]); });
}
inline Floats div(const Floats& a, const Floats& b) {
    return each([&](int i) { return vdivq_f32(a.part[i], b.part[i]); });
}
inline Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return each([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
}
inline Floats min(const Floats& a, const Floats& b) {
    return each([&](int i) { return vminq_f32(a.part[i], b.part[i]); });
}
inline Floats max(const Floats& a, const Floats& b) {
    return each([&](int i) { return vmaxq_f32(a.part[i], b.part[i]); });
}
inline Floats absolute(const Floats& a) { return each([&](int i) { return vabsq_f32(a.part[i]); }); }
inline Floats swap_neighbours(const Floats& a) { return each([&](int i) { return vrev64q_f32(a.part[i]); }); }
inline Floats round_to_even(const Floats& a) { return each([&](int i) { return vrndnq_f32(a.part[i]); }); }
// x * 2^n for a whole n in -126..127.
inline Floats scale_by_power(const Floats& x, const Floats& n) {
    return each([&](int i) {
        const int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n.part[i]), vdupq_n_s32(127));
        return vmulq_f32(x.part[i], vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
    });
}
inline float sum(const Floats& a) {
    return vaddvq_f32(vaddq_f32(vaddq_f32(a.part[0], a.part[1]), vaddq_f32(a.part[2], a.part[3])));
}
inline float maximum(const Floats& a) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.part[0], a.part[1]), vmaxq_f32(a.part[2], a.part[3])));
}

inline Ints fill_int(std::int32_t x) {
    const int32x4_t four = vdupq_n_s32(x);
    return {{four, four, four, four}};
}
inline Floats to_floats(const Ints& a) { return each([&](int i) { return vcvtq_f32_s32(a.part[i]); }); }
inline WeightBytes load_weights(const std::uint8_t* p) {
    const auto part = [&](int i) {
        return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p + 16 * i), vdupq_n_u8(0x80)));
    };
    return {{part(0), part(1), part(2), part(3)}};
}
inline Quad load_quad(const std::int8_t* p) {
    std::int32_t bits = 0;
    std::memcpy(&bits, p, sizeof(bits));
    return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}
// acc + dot product of four weights with four activations, per lane.
inline int32x4_t dot4(int32x4_t acc, int8x16_t weights, int8x16_t x) {
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(acc, weights, x);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
    const int16x8_t high = vmull_s8(vget_high_s8(weights), vget_high_s8(x));
    return vaddq_s32(acc, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}
inline Ints dot(const Ints& acc, const WeightBytes& weights, Quad x) {
    Ints out;
    for (int i = 0; i < 4; ++i) out.part[i] = dot4(acc.part[i], weights.part[i], x);
    return out;
}
// Values in -127..127, rounded to bytes; returns their sum.
inline std::int32_t store_rounded(std::int8_t* p, const Floats& x) {
    int16x4_t part[4];
    std::int32_t total = 0;
    for (int i = 0; i < 4; ++i) {
        const int32x4_t whole = vcvtnq_s32_f32(x.part[i]);
        total += vaddvq_s32(whole);
        part[i] = vmovn_s32(whole);
    }
    vst1_s8(p, vmovn_s16(vcombine_s16(part[0], part[1])));
    vst1_s8(p + 8, vmovn_s16(vcombine_s16(part[2], part[3])));
    return total;
}

}  // namespace
}  // namespace midigpt::engine
