#include "engine/weight_cache.hpp"

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

namespace midigpt::engine {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kChunk = std::size_t{1} << 20;

struct Trailer {
    std::uint64_t format;
    std::uint64_t key;
    std::uint64_t size;
    std::uint64_t checksum;
};

std::uint64_t hash_file(const std::filesystem::path& path, std::uint64_t seed) {
    // Read, not mapped: pages of the file must not count as this process's memory.
    std::ifstream in(path, std::ios::binary);
    std::vector<std::byte> chunk(kChunk);
    while (in) {
        in.read(reinterpret_cast<char*>(chunk.data()), kChunk);
        seed = hash_bytes({chunk.data(), static_cast<std::size_t>(in.gcount())}, seed);
    }
    return seed;
}

std::string hexadecimal(std::uint64_t x) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(x));
    return text.data();
}

}  // namespace

std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed) {
    constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
    std::array<std::uint64_t, 4> lanes{seed, ~seed, seed ^ kMultiplier, bytes.size() ^ seed};
    const auto mix = [](std::uint64_t lane, std::uint64_t word) {
        return std::rotl((lane ^ word) * kMultiplier, 29);
    };
    std::size_t at = 0;
    for (; at + 32 <= bytes.size(); at += 32) {
        std::array<std::uint64_t, 4> words;
        std::memcpy(words.data(), bytes.data() + at, sizeof(words));
        for (int i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
    }
    for (; at < bytes.size(); ++at) lanes[at % 4] = mix(lanes[at % 4], std::to_integer<std::uint64_t>(bytes[at]));
    std::uint64_t hash = seed;
    for (const auto lane : lanes) hash = mix(hash, lane ^ lane >> 32);
    return hash ^ hash >> 32;
}

WeightCache::WeightCache(const std::filesystem::path& directory,
                         const std::vector<std::filesystem::path>& files, const std::string& layout)
    : key_(hash_bytes(std::as_bytes(std::span(layout)), kFormat)) {
    for (const auto& file : files) key_ = hash_file(file, key_);
    path_ = directory / (hexadecimal(key_) + ".weights");
}

bool WeightCache::read(std::span<std::byte> weights) const {
    std::ifstream in(path_, std::ios::binary);
    in.read(reinterpret_cast<char*>(weights.data()), static_cast<std::streamsize>(weights.size()));
    Trailer trailer{};
    in.read(reinterpret_cast<char*>(&trailer), sizeof(trailer));
    return in && trailer.format == kFormat && trailer.key == key_ && trailer.size == weights.size() &&
           trailer.checksum == hash_bytes(weights, key_);
}

void WeightCache::write(std::span<const std::byte> weights) const {
    std::error_code error;
    std::filesystem::create_directories(path_.parent_path(), error);
    auto part = path_;
    part += "." + hexadecimal(std::random_device{}()) + ".part";
    {
        const Trailer trailer{kFormat, key_, weights.size(), hash_bytes(weights, key_)};
        std::ofstream out(part, std::ios::binary);
        out.write(reinterpret_cast<const char*>(weights.data()), static_cast<std::streamsize>(weights.size()));
        out.write(reinterpret_cast<const char*>(&trailer), sizeof(trailer));
        if (!out.flush()) error = std::make_error_code(std::errc::io_error);
    }
    if (!error) std::filesystem::rename(part, path_, error);
    if (error) std::filesystem::remove(part, error);
}

}  // namespace midigpt::engine
