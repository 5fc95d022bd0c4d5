// 16-bit floating-point numbers and their conversion, without help from the processor.
#pragma once

#include <bit>
#include <cstdint>

namespace midigpt::engine {

struct Half {  // IEEE 754 binary16
    std::uint16_t bits = 0;
};

struct BFloat16 {  // the upper half of a binary32
    std::uint16_t bits = 0;
};

inline float to_float(float x) { return x; }

inline float to_float(BFloat16 x) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16);
}

inline float to_float(Half x) {
    const std::uint32_t sign = (x.bits & 0x8000u) << 16;
    const std::uint32_t magnitude = x.bits & 0x7FFFu;
    if (magnitude >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F800000u | (magnitude << 13));
    // Shifted into place the exponent is too small by 112; scaling repairs normal and subnormal alike.
    const float scaled = std::bit_cast<float>(magnitude << 13) * std::bit_cast<float>(0x77800000u);
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

inline BFloat16 to_bfloat16(float x) {  // round to nearest even; NaN stays NaN
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
    return {static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16)};
}

inline Half to_half(float x) {  // round to nearest even; overflow to infinity
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return {static_cast<std::uint16_t>(sign | 0x7E00u)};
    if (magnitude >= 0x47800000u) return {static_cast<std::uint16_t>(sign | 0x7C00u)};
    if (magnitude < 0x38800000u) {  // subnormal: adding 0.5 lets the float unit round at the right bit
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return {static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000u))};
    }
    const std::uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u) - 0x38000000u;
    return {static_cast<std::uint16_t>(sign | rounded >> 13)};
}

}  // namespace midigpt::engine
