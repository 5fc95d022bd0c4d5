// Tensors of a safetensors file, mapped into memory and checked against the file's size.
// Format: 8 bytes little-endian header length, JSON header, data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/mapped_file.hpp"

namespace midigpt::engine {

enum class FloatType { Float32, Float16, BFloat16 };

std::size_t size_of(FloatType type);  // bytes

struct Tensor {
    FloatType type = FloatType::Float32;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes;  // row-major, any alignment

    // Elements [first, first + out.size()) as float32.
    void read(std::size_t first, std::span<float> out) const;
};

class SafetensorsFile {
public:
    // Throws std::runtime_error when the file or its header is damaged. Tensors of types other than
    // F32, F16 and BF16 are left out.
    explicit SafetensorsFile(const std::filesystem::path& path);

    const std::map<std::string, Tensor>& tensors() const { return tensors_; }

private:
    MappedFile file_;
    std::map<std::string, Tensor> tensors_;
};

}  // namespace midigpt::engine
