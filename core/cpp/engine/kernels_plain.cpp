#include "engine/lanes_plain.hpp"

#include "engine/kernels_body.hpp"
#include "engine/kernel_variants.hpp"

namespace midigpt::engine {

const Kernels kPlainKernels = make_kernels("plain");

}  // namespace midigpt::engine
