#include "engine/safetensors.hpp"

#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "engine/json.hpp"
#include "engine/number.hpp"

namespace midigpt::engine {
namespace {

constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("damaged safetensors file: " + what);
}

std::size_t to_size(const Json& json, const std::string& what) {
    const double* number = std::get_if<double>(&json.value);
    if (number == nullptr || !(*number >= 0) || *number > kLargestExactInteger ||
        *number != std::floor(*number)) {
        fail(what + " is not a whole number");
    }
    return static_cast<std::size_t>(*number);
}

const Json::Array& member_array(const Json& entry, const char* member, const std::string& name) {
    const Json* json = entry.find(member);
    const auto* array = json == nullptr ? nullptr : std::get_if<Json::Array>(&json->value);
    if (array == nullptr) fail("tensor \"" + name + "\" has no list \"" + member + "\"");
    return *array;
}

std::optional<FloatType> float_type(const Json& entry, const std::string& name) {
    const Json* json = entry.find("dtype");
    const auto* text = json == nullptr ? nullptr : std::get_if<std::string>(&json->value);
    if (text == nullptr) fail("tensor \"" + name + "\" has no dtype");
    if (*text == "F32") return FloatType::Float32;
    if (*text == "F16") return FloatType::Float16;
    if (*text == "BF16") return FloatType::BFloat16;
    return std::nullopt;
}

std::optional<Tensor> read_entry(const Json& entry, const std::string& name,
                                 std::span<const std::byte> data) {
    const auto type = float_type(entry, name);
    if (!type) return std::nullopt;

    Tensor tensor{*type, {}, {}};
    std::size_t elements = 1;
    for (const Json& json : member_array(entry, "shape", name)) {
        const std::size_t extent = to_size(json, "shape of \"" + name + "\"");
        if (extent != 0 && elements > data.size() / extent) fail("shape of \"" + name + "\" is too large");
        elements *= extent;
        tensor.shape.push_back(static_cast<std::int64_t>(extent));
    }

    const auto& offsets = member_array(entry, "data_offsets", name);
    if (offsets.size() != 2) fail("tensor \"" + name + "\" needs two data_offsets");
    const std::size_t begin = to_size(offsets[0], "offset of \"" + name + "\"");
    const std::size_t end = to_size(offsets[1], "offset of \"" + name + "\"");
    if (begin > end || end > data.size()) fail("tensor \"" + name + "\" lies outside the file");
    if (end - begin != elements * size_of(*type)) {
        fail("size of tensor \"" + name + "\" does not match its shape");
    }
    tensor.bytes = data.subspan(begin, end - begin);
    return tensor;
}

}  // namespace

std::size_t size_of(FloatType type) { return type == FloatType::Float32 ? 4 : 2; }

void Tensor::read(std::size_t first, std::span<float> out) const {
    const std::byte* source = bytes.data() + first * size_of(type);
    if (type == FloatType::Float32) {
        std::memcpy(out.data(), source, out.size_bytes());
        return;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, source + 2 * i, sizeof(bits));
        out[i] = type == FloatType::Float16 ? to_float(Half{bits}) : to_float(BFloat16{bits});
    }
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
    const auto bytes = file_.bytes();
    if (bytes.size() < 8) fail("shorter than its length field");
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    if (length > bytes.size() - 8) fail("header runs past the end");

    const auto* text = reinterpret_cast<const char*>(bytes.data() + 8);
    const Json header = parse_json({text, static_cast<std::size_t>(length)});
    const auto* entries = std::get_if<Json::Object>(&header.value);
    if (entries == nullptr) fail("header is not an object");

    const auto data = bytes.subspan(8 + static_cast<std::size_t>(length));
    for (const auto& [name, entry] : *entries) {
        if (name == "__metadata__") continue;
        if (auto tensor = read_entry(entry, name, data)) tensors_.insert_or_assign(name, *tensor);
    }
}

}  // namespace midigpt::engine
