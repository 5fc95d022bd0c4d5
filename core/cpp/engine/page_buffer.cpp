#include "engine/page_buffer.hpp"

#include <new>
#include <utility>

#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace midigpt::engine {

#ifdef _WIN32

PageBuffer::PageBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    data_ = static_cast<std::byte*>(
        VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    if (data_ == nullptr) throw std::bad_alloc();
}

PageBuffer::~PageBuffer() {
    if (data_ != nullptr) VirtualFree(data_, 0, MEM_RELEASE);
}

#else

PageBuffer::PageBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(address);
#ifdef MADV_HUGEPAGE
    madvise(address, size, MADV_HUGEPAGE);  // fewer address translations; only advice
#endif
}

PageBuffer::~PageBuffer() {
    if (data_ != nullptr) munmap(data_, size_);
}

#endif

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

}  // namespace midigpt::engine
