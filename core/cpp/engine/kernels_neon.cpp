#include "engine/lanes_neon.hpp"

#include "engine/kernels_body.hpp"
#include "engine/kernel_variants.hpp"

namespace midigpt::engine {

const Kernels kNeonKernels = make_kernels("neon");

}  // namespace midigpt::engine
