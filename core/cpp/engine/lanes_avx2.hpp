// Sixteen lanes in two AVX2 registers. Included by kernel files compiled for AVX2, FMA and F16C:
// everything is in an unnamed namespace, so that no other file calls code compiled for AVX2.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "engine/number.hpp"

namespace midigpt::engine {
namespace {

struct Floats {
    __m256 lo, hi;
};
struct Ints {
    __m256i lo, hi;
};
struct WeightBytes {
    __m256i lo, hi;
};

constexpr int kTilePanels = 1;    // of one register tile
constexpr int kAccumulators = 4;  // of attention: with the operands, 16 registers at most

inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1); }

inline Floats fill(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Floats zeros() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline Floats load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline __m256 load8(const Half* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline __m256 load8(const BFloat16* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline Floats load(const Half* p) { return {load8(p), load8(p + 8)}; }
inline Floats load(const BFloat16* p) { return {load8(p), load8(p + 8)}; }
inline void store(float* p, Floats x) {
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
}
inline void store(Half* p, Floats x) {
    auto* out = reinterpret_cast<__m128i*>(p);
    _mm_storeu_si128(out, _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(out + 1, _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
}
inline Floats add(Floats a, Floats b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline Floats sub(Floats a, Floats b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline Floats mul(Floats a, Floats b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline Floats div(Floats a, Floats b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline Floats fma(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Floats min(Floats a, Floats b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
inline Floats max(Floats a, Floats b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline Floats absolute(Floats a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
inline Floats swap_neighbours(Floats a) { return {_mm256_permute_ps(a.lo, 0xB1), _mm256_permute_ps(a.hi, 0xB1)}; }
inline Floats round_to_even(Floats a) {
    constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.lo, kMode), _mm256_round_ps(a.hi, kMode)};
}
inline __m256 power8(__m256 n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
// x * 2^n for a whole n in -126..127.
inline Floats scale_by_power(Floats x, Floats n) { return mul(x, {power8(n.lo), power8(n.hi)}); }
inline float sum(Floats a) {
    const __m256 eight = _mm256_add_ps(a.lo, a.hi);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
inline float maximum(Floats a) {
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

inline Ints fill_int(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline Floats to_floats(Ints a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
constexpr std::int32_t kWeightExcess = 128;  // what `dot` sees on top of each weight

using Quad = __m256i;  // four activations, repeated
inline Quad load_quad(const std::int8_t* p) {
    std::int32_t bits = 0;
    std::memcpy(&bits, p, sizeof(bits));
    return _mm256_set1_epi32(bits);
}
#ifdef MIDIGPT_AVXVNNI
constexpr int kTileTokens = 4;
inline __m256i finished(__m256i x) { return x; }
// acc + dot product of four unsigned weights with four signed activations, per lane.
inline __m256i dot8(__m256i acc, __m256i weights, Quad x) { return _mm256_dpbusd_avx_epi32(acc, weights, x); }
#else
constexpr int kTileTokens = 6;
// Makes gcc finish a sum before the next one: it would compute all products first, and run out of registers.
inline __m256i finished(__m256i x) {
#ifdef __GNUC__
    asm volatile("" : "+x"(x));
#endif
    return x;
}
// The same without VNNI: the sums of two products fit 16 bits because quantize() keeps the activations small enough.
inline __m256i dot8(__m256i acc, __m256i weights, Quad x) {
    const __m256i pairs = _mm256_maddubs_epi16(weights, x);
    return finished(_mm256_add_epi32(acc, finished(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))));
}
#endif
inline WeightBytes load_weights(const std::uint8_t* p) {
    const auto* source = reinterpret_cast<const __m256i*>(p);
    return {finished(_mm256_loadu_si256(source)), finished(_mm256_loadu_si256(source + 1))};
}
inline Ints dot(Ints acc, WeightBytes weights, Quad x) {
    return {dot8(acc.lo, weights.lo, x), dot8(acc.hi, weights.hi, x)};
}
// Values in -127..127, rounded to bytes; returns their sum.
inline std::int32_t store_rounded(std::int8_t* p, Floats x) {
    __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi));
    words = _mm256_permute4x64_epi64(words, _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    const __m256i pairs = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
    __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(sums);
}

}  // namespace
}  // namespace midigpt::engine
