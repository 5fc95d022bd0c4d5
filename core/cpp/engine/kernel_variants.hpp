// The compiled variants; which of them exist is decided by the build (MIDIGPT_X86, MIDIGPT_NEON).
#pragma once

#include "engine/kernels.hpp"

namespace midigpt::engine {

extern const Kernels kPlainKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvxVnniKernels;
extern const Kernels kAvx512Kernels;  // with VNNI
extern const Kernels kNeonKernels;

}  // namespace midigpt::engine
