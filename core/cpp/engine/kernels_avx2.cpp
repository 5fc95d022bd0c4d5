#include "engine/lanes_avx2.hpp"

#include "engine/kernels_body.hpp"
#include "engine/kernel_variants.hpp"

namespace midigpt::engine {

const Kernels kAvx2Kernels = make_kernels("avx2");

}  // namespace midigpt::engine
