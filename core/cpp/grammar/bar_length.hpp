// The length of a bar on the model grid.
#pragma once

#include "tokens/vocabulary.hpp"

namespace midigpt {

// The first position past a bar of this meter. Exact: 7/8 is 3.5 quarters.
inline int bar_length_ticks(TimeSignature meter, int resolution) {
    const auto [numerator, denominator] = meter;
    return (4 * numerator * resolution + denominator - 1) / denominator;
}

}  // namespace midigpt
