#define MIDIGPT_AVXVNNI
#include "engine/lanes_avx2.hpp"

#include "engine/kernels_body.hpp"
#include "engine/kernel_variants.hpp"

namespace midigpt::engine {

const Kernels kAvxVnniKernels = make_kernels("avxvnni");

}  // namespace midigpt::engine
