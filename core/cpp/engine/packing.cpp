#include "engine/packing.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace midigpt::engine {
namespace {

std::string to_text(const std::vector<std::int64_t>& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i > 0) text += ", ";
        text += std::to_string(shape[i]);
    }
    return text + ")";
}

// The 16 rows of a panel as float32: rows[i * columns + k].
std::vector<float> read_input_major(const MatrixSource& source, const int* places) {
    const Tensor& tensor = *source.tensors.front();
    const auto outputs = static_cast<std::size_t>(tensor.shape[1]);
    const auto columns = source.columns.size();
    std::vector<float> rows(kLanes * columns);
    std::vector<float> line(outputs);

    int first = static_cast<int>(outputs);
    int last = 0;
    for (int i = 0; i < kLanes; ++i) {
        if (places[i] == kNothing) continue;
        first = std::min(first, places[i]);
        last = std::max(last, places[i] + 1);
    }
    if (first >= last) return rows;
    const std::span<float> part(line.data() + first, static_cast<std::size_t>(last - first));
    for (std::size_t k = 0; k < columns; ++k) {
        if (source.columns[k] == kNothing) continue;
        tensor.read(static_cast<std::size_t>(source.columns[k]) * outputs + first, part);
        for (int i = 0; i < kLanes; ++i) {
            if (places[i] != kNothing) rows[i * columns + k] = line[places[i]];
        }
    }
    return rows;
}

std::vector<float> read_output_major(const MatrixSource& source, const int* places) {
    const auto columns = source.columns.size();
    std::vector<float> rows(kLanes * columns);
    std::vector<float> line;
    for (int i = 0; i < kLanes; ++i) {
        if (places[i] == kNothing) continue;
        auto row = static_cast<std::size_t>(places[i]);
        auto tensor = source.tensors.begin();
        while (row >= static_cast<std::size_t>((*tensor)->shape[0])) {
            row -= static_cast<std::size_t>((*tensor)->shape[0]);
            ++tensor;
        }
        line.resize(static_cast<std::size_t>((*tensor)->shape[1]));
        (*tensor)->read(row * line.size(), line);
        for (std::size_t k = 0; k < columns; ++k) {
            if (source.columns[k] != kNothing) rows[i * columns + k] = line[source.columns[k]];
        }
    }
    return rows;
}

template <class Number, class Convert>
void pack_floats(const std::vector<float>& rows, std::size_t columns, std::byte* panel, Convert convert) {
    for (std::size_t k = 0; k < columns; ++k) {
        for (int i = 0; i < kLanes; ++i) {
            const Number number = convert(rows[i * columns + k]);
            std::memcpy(panel + (k * kLanes + i) * sizeof(Number), &number, sizeof(Number));
        }
    }
}

void pack_int8(const std::vector<float>& rows, std::size_t columns, std::byte* panel, float* scale) {
    for (int i = 0; i < kLanes; ++i) {
        const float* row = rows.data() + i * columns;
        float largest = 0.0f;
        for (std::size_t k = 0; k < columns; ++k) largest = std::max(largest, std::fabs(row[k]));
        scale[i] = largest / 127.0f;
        const float factor = largest > 0.0f ? 127.0f / largest : 0.0f;
        for (std::size_t k = 0; k < columns; ++k) {
            const int rounded = static_cast<int>(std::nearbyint(row[k] * factor));
            panel[(k / 4 * kLanes + i) * 4 + k % 4] = static_cast<std::byte>(rounded + 128);
        }
    }
}

}  // namespace

TensorFiles::TensorFiles(const std::vector<std::filesystem::path>& paths) {
    for (const auto& path : paths) {
        files_.push_back(std::make_unique<SafetensorsFile>(path));
        for (const auto& [name, tensor] : files_.back()->tensors()) tensors_.emplace(name, &tensor);
    }
}

const Tensor& TensorFiles::get(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw std::runtime_error("the model has no tensor \"" + name + "\"");
    if (found->second->shape != shape) {
        throw std::runtime_error("tensor \"" + name + "\" has shape " + to_text(found->second->shape) +
                                 ", expected " + to_text(shape));
    }
    return *found->second;
}

std::size_t panel_bytes(WeightType type, int columns) {
    const std::size_t size = type == WeightType::Float32 ? 4 : type == WeightType::BFloat16 ? 2 : 1;
    return size * static_cast<std::size_t>(columns) * kLanes;
}

void pack_panel(const MatrixSource& source, int index, WeightType type, std::byte* panel, float* scale) {
    const int* places = source.rows.data() + static_cast<std::size_t>(index) * kLanes;
    const auto rows = source.input_major ? read_input_major(source, places) : read_output_major(source, places);
    const std::size_t columns = source.columns.size();
    switch (type) {
        case WeightType::Float32:
            pack_floats<float>(rows, columns, panel, [](float x) { return x; });
            break;
        case WeightType::BFloat16:
            pack_floats<BFloat16>(rows, columns, panel, to_bfloat16);
            break;
        case WeightType::Int8:
            pack_int8(rows, columns, panel, scale);
            break;
    }
}

}  // namespace midigpt::engine
