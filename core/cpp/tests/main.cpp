// Runs the unit tests; an argument keeps those whose name contains it.
#include <iostream>

#include "engine/kernels.hpp"
#include "tests/check.hpp"

int main(int argc, char** argv) {
    std::cout << "kernels:";
    for (const auto* kernels : midigpt::engine::available_kernels()) std::cout << ' ' << kernels->name;
    std::cout << std::endl;
    return midigpt::check::run_all(argc > 1 ? argv[1] : "") == 0 ? 0 : 1;
}
