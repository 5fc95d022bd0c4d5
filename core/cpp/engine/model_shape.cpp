#include "engine/model_shape.hpp"

#include <stdexcept>
#include <string>

namespace midigpt::engine {
namespace {

void check_range(const char* name, int value, int least, int most) {
    if (value < least || value > most) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                                    ", must be in " + std::to_string(least) + ".." +
                                    std::to_string(most));
    }
}

}  // namespace

void ModelShape::check() const {
    check_range("vocab_size", vocab_size, 1, 1 << 24);
    check_range("n_positions", n_positions, 1, 1 << 20);
    check_range("width", width, 1, 1 << 16);
    check_range("inner", inner, 1, 1 << 18);
    check_range("n_layer", n_layer, 1, 1 << 10);
    check_range("n_head", n_head, 1, 1 << 10);
    check_range("n_kv_head", n_kv_head, 1, n_head);
    check_range("head_size", head_size, 1, 1 << 10);
    if (n_head % n_kv_head != 0) {
        throw std::invalid_argument("n_kv_head is " + std::to_string(n_kv_head) +
                                    ", must divide n_head (" + std::to_string(n_head) + ")");
    }
    if (family == Family::Llama && head_size % 2 != 0) {
        throw std::invalid_argument("head_size is " + std::to_string(head_size) + ", must be even");
    }
}

}  // namespace midigpt::engine
