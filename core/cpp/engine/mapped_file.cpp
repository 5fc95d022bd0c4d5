#include "engine/mapped_file.hpp"

#include <stdexcept>
#include <utility>

#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace midigpt::engine {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
    throw std::runtime_error("cannot read \"" + path.string() + "\"");
}

}  // namespace

#ifdef _WIN32

MappedFile::MappedFile(const std::filesystem::path& path) {
    const HANDLE file = CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file == INVALID_HANDLE_VALUE) fail(path);
    LARGE_INTEGER size{};
    GetFileSizeEx(file, &size);
    size_ = static_cast<std::size_t>(size.QuadPart);
    const HANDLE mapping =
        size_ == 0 ? nullptr : CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    CloseHandle(file);
    if (mapping == nullptr) fail(path);
    data_ = static_cast<const std::byte*>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
    CloseHandle(mapping);
    if (data_ == nullptr) fail(path);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) UnmapViewOfFile(data_);
}

#else

MappedFile::MappedFile(const std::filesystem::path& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(path);
    struct stat status {};
    const bool readable = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
    if (readable) {
        size_ = static_cast<std::size_t>(status.st_size);
        void* address = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
        if (address != MAP_FAILED) data_ = static_cast<const std::byte*>(address);
    }
    close(file);
    if (data_ == nullptr) fail(path);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

#endif

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace midigpt::engine
