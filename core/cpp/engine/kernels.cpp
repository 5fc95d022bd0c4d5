#include "engine/kernels.hpp"

#include <vector>

#include "engine/kernel_variants.hpp"

#ifdef MIDIGPT_X86
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace midigpt::engine {
namespace {

#ifdef MIDIGPT_X86

struct Registers {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
    Registers r;
#ifdef _MSC_VER
    int out[4];
    __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
    r = {static_cast<unsigned>(out[0]), static_cast<unsigned>(out[1]), static_cast<unsigned>(out[2]),
         static_cast<unsigned>(out[3])};
#else
    if (__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
#endif
    return r;
}

// Register sets that the operating system saves (XCR0).
unsigned long long saved_state() {
#ifdef _MSC_VER
    return _xgetbv(0);
#else
    unsigned low = 0;
    unsigned high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<unsigned long long>(high) << 32 | low;
#endif
}

constexpr bool bit(unsigned long long word, int index) { return (word >> index & 1) != 0; }

std::vector<const Kernels*> find_kernels() {
    std::vector<const Kernels*> found;
    const Registers basic = cpuid(1, 0);
    const Registers extended = cpuid(7, 0);
    const Registers extended1 = extended.a >= 1 ? cpuid(7, 1) : Registers{};
    const unsigned long long saved = bit(basic.c, 27) ? saved_state() : 0;

    const bool avx2 = (saved & 0x6) == 0x6 && bit(basic.c, 28) && bit(basic.c, 12) &&  // AVX, FMA
                      bit(basic.c, 29) && bit(extended.b, 5);                         // F16C, AVX2
    const bool avx512 = avx2 && (saved & 0xE6) == 0xE6 && bit(extended.b, 16) &&  // F
                        bit(extended.b, 17) && bit(extended.b, 30) &&             // DQ, BW
                        bit(extended.b, 31) && bit(extended.c, 11);               // VL, VNNI
    if (avx512) found.push_back(&kAvx512Kernels);
#ifdef MIDIGPT_AVXVNNI_BUILT
    if (avx2 && bit(extended1.a, 4)) found.push_back(&kAvxVnniKernels);
#else
    static_cast<void>(extended1);
#endif
    if (avx2) found.push_back(&kAvx2Kernels);
    found.push_back(&kPlainKernels);
    return found;
}

#elif defined(MIDIGPT_NEON)

std::vector<const Kernels*> find_kernels() { return {&kNeonKernels, &kPlainKernels}; }

#else

std::vector<const Kernels*> find_kernels() { return {&kPlainKernels}; }

#endif

}  // namespace

std::span<const Kernels* const> available_kernels() {
    static const std::vector<const Kernels*> found = find_kernels();
    return found;
}

}  // namespace midigpt::engine
