// Runs the unit tests; an argument keeps those whose name contains it.
#include "tests/check.hpp"

int main(int argc, char** argv) {
    return midigpt::check::run_all(argc > 1 ? argv[1] : "") == 0 ? 0 : 1;
}
