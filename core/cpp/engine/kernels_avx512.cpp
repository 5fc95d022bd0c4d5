#include "engine/lanes_avx512.hpp"

#include "engine/kernels_body.hpp"
#include "engine/kernel_variants.hpp"

namespace midigpt::engine {

const Kernels kAvx512Kernels = make_kernels("avx512");

}  // namespace midigpt::engine
