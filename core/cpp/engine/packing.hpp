// From the tensors of a file to panels: orientation, order of heads, padding, rounding.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels.hpp"
#include "engine/safetensors.hpp"

namespace midigpt::engine {

// Of the matrices. Norms and biases are float32; embeddings are read from the file as they are.
// Int8 has one scale per output row, max|w| / 127.
enum class WeightType { Float32, BFloat16, Int8 };

// The tensors of a model in one or several files.
class TensorFiles {
public:
    explicit TensorFiles(const std::vector<std::filesystem::path>& paths);  // throws std::runtime_error

    bool has(const std::string& name) const { return tensors_.contains(name); }
    // Throws std::runtime_error when the tensor is missing or has another shape.
    const Tensor& get(const std::string& name, const std::vector<std::int64_t>& shape) const;

private:
    std::vector<std::unique_ptr<SafetensorsFile>> files_;
    std::map<std::string, const Tensor*> tensors_;
};

// Which element of a tensor each row or column of a packed matrix is; kNothing is padding.
using Places = std::vector<int>;
inline constexpr int kNothing = -1;

// Where a packed matrix comes from. Stacked tensors count their output rows one after the other.
struct MatrixSource {
    std::vector<const Tensor*> tensors;
    bool input_major = false;  // one tensor, stored (inputs, outputs)
    Places rows;               // size: a multiple of 16
    Places columns;            // size: a multiple of 16
};

std::size_t panel_bytes(WeightType type, int columns);

// Writes panel `index` (rows 16 * index and on) and, for Int8, its 16 scales.
void pack_panel(const MatrixSource& source, int index, WeightType type, std::byte* panel, float* scale);

}  // namespace midigpt::engine
