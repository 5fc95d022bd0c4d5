// Sixteen lanes in one AVX-512 register, with VNNI dot products. Included by one kernel file only:
// everything is in an unnamed namespace, so that no other file calls code compiled for AVX-512.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "engine/number.hpp"

namespace midigpt::engine {
namespace {

using Floats = __m512;
#if defined(__GNUC__) && !defined(__clang__)
typedef std::int32_t Ints __attribute__((vector_size(64)));
#else
using Ints = __m512i;
#endif
using WeightBytes = __m512i;
using Quad = __m512i;

constexpr int kTileTokens = 6;               // of one register tile
constexpr int kTilePanels = 4;
constexpr int kAccumulators = 16;            // of attention
constexpr std::int32_t kWeightExcess = 128;  // what `dot` sees on top of each weight

inline Floats zeros() { return _mm512_setzero_ps(); }
inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1); }

inline Floats fill(float x) { return _mm512_set1_ps(x); }
inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
inline Floats load(const Half* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Floats load(const BFloat16* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
inline void store(Half* p, Floats x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats absolute(Floats a) { return _mm512_abs_ps(a); }
inline Floats swap_neighbours(Floats a) { return _mm512_permute_ps(a, 0xB1); }
inline Floats round_to_even(Floats a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x * 2^n for a whole n in -126..127.
inline Floats scale_by_power(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }
inline float sum(Floats a) { return _mm512_reduce_add_ps(a); }
inline float maximum(Floats a) { return _mm512_reduce_max_ps(a); }

inline Ints fill_int(std::int32_t x) { return (Ints)_mm512_set1_epi32(x); }
inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps((__m512i)a); }
inline WeightBytes load_weights(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
inline Quad load_quad(const std::int8_t* p) {
    std::int32_t bits = 0;
    std::memcpy(&bits, p, sizeof(bits));
    return _mm512_set1_epi32(bits);
}
// acc + dot product of four unsigned weights with four signed activations, per lane.
#if defined(__GNUC__) && !defined(__clang__)
// With the intrinsic, whose type differs from the instruction's, gcc 12 copies each accumulator twice.
inline Ints dot(Ints acc, WeightBytes weights, Quad x) {
    return __builtin_ia32_vpdpbusd_v16si(acc, reinterpret_cast<Ints>(weights), reinterpret_cast<Ints>(x));
}
#else
inline Ints dot(Ints acc, WeightBytes weights, Quad x) { return _mm512_dpbusd_epi32(acc, weights, x); }
#endif
// Values in -127..127, rounded to bytes; returns their sum.
inline std::int32_t store_rounded(std::int8_t* p, Floats x) {
    const __m512i whole = _mm512_cvtps_epi32(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(whole));
    return _mm512_reduce_add_epi32(whole);
}

}  // namespace
}  // namespace midigpt::engine
