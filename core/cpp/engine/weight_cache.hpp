// Packed weights on disk, so that a model is rounded and packed once. A cache file is found by the
// hash of the model's files and of the layout; a file that is not exactly right is ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace midigpt::engine {

class WeightCache {
public:
    // `layout` tells apart what the same files can be packed into.
    WeightCache(const std::filesystem::path& directory, const std::vector<std::filesystem::path>& files,
                const std::string& layout);

    // Fills `weights`; false when there is no such file or it is damaged.
    bool read(std::span<std::byte> weights) const;
    // Writes beside the target and renames, so that readers never see half a file. A directory that
    // cannot be written is no error: the model is packed again next time.
    void write(std::span<const std::byte> weights) const;

private:
    std::uint64_t key_;
    std::filesystem::path path_;
};

// Not cryptographic: 64 bits mixed over all bytes.
std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed);

}  // namespace midigpt::engine
