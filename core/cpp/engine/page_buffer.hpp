// Zeroed memory straight from the system: page-aligned, and free until it is touched.
#pragma once

#include <cstddef>
#include <span>

namespace midigpt::engine {

class PageBuffer {
public:
    PageBuffer() = default;
    explicit PageBuffer(std::size_t size);  // throws std::bad_alloc
    ~PageBuffer();
    PageBuffer(PageBuffer&& other) noexcept;
    PageBuffer& operator=(PageBuffer&& other) noexcept;

    std::byte* data() { return data_; }
    const std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace midigpt::engine
