// A file mapped read-only into memory: pages come in when they are read and leave when they are not.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace midigpt::engine {

class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& path);  // throws std::runtime_error
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&&) = delete;
    MappedFile(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace midigpt::engine
