#include "engine/sequence.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt::engine {
namespace {

// Of one position's key or value of one head, and of its scale.
std::size_t bytes_of(CacheType type, int width) {
    const std::size_t size = type == CacheType::Float32 ? sizeof(float) : type == CacheType::Float16 ? sizeof(Half) : 1;
    return size * width;
}
std::size_t scale_bytes_of(CacheType type) { return type == CacheType::Int8 ? sizeof(float) : 0; }

}  // namespace

Sequence::Sequence(const ModelShape& shape, CacheType type)
    : type_(type),
      capacity_(shape.n_positions),
      n_layer_(shape.n_layer),
      n_head_(shape.n_kv_head),
      head_width_(shape.padded_head()),
      head_bytes_(std::size_t{2} * padded(capacity_) * (bytes_of(type, head_width_) + scale_bytes_of(type))),
      cache_(head_bytes_ * n_layer_ * n_head_) {
    reserve();
}

Sequence::Sequence(const Sequence& other, PageBuffer cache)
    : type_(other.type_),
      capacity_(other.capacity_),
      n_layer_(other.n_layer_),
      n_head_(other.n_head_),
      head_width_(other.head_width_),
      head_bytes_(other.head_bytes_),
      cache_(std::move(cache)),
      ids_(other.ids_),
      positions_(other.positions_),
      shown_(other.shown_),
      hidden_(other.hidden_) {
    reserve();
}

void Sequence::cut(int length) {
    if (length < 0 || length > this->length()) {
        throw std::invalid_argument("length is " + std::to_string(length) + ", must be in 0.." +
                                    std::to_string(this->length()));
    }
    ids_.resize(length);
    positions_.resize(length);
    shown_.resize(length);
    hidden_ = static_cast<int>(std::count(shown_.begin(), shown_.end(), std::uint8_t{0}));
}

Sequence Sequence::copy() const {
    Sequence other(*this, PageBuffer(cache_.size()));
    const std::size_t row = bytes_of(type_, head_width_);
    std::size_t begin = 0;
    for (int head = 0; head < n_layer_ * n_head_; ++head) {
        for (const std::size_t size : {row, row, scale_bytes_of(type_), scale_bytes_of(type_)}) {
            std::memcpy(other.cache_.data() + begin, cache_.data() + begin, size * padded(length()));
            begin += size * padded(capacity_);
        }
    }
    return other;
}

int Sequence::shared_prefix(std::span<const std::int32_t> ids, std::span<const std::int32_t> positions,
                            std::span<const std::uint8_t> shown) const {
    const int most = std::min(length(), static_cast<int>(ids.size()));
    for (int i = 0; i < most; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const std::int32_t position = k < positions.size() ? positions[k] : i;
        const bool is_shown = k >= shown.size() || shown[k] != 0;
        if (ids_[k] != ids[k] || positions_[k] != position || (shown_[k] != 0) != is_shown) return i;
    }
    return most;
}

void Sequence::nullify(int first, int last) {
    check_span(first, last);
    if (type_ == CacheType::Float32) {
        nullify_as<float>(first, last, -10000.0f, 0.0f);
    } else if (type_ == CacheType::Float16) {
        nullify_as<Half>(first, last, to_half(-10000.0f), Half{});
    } else {
        nullify_as<std::uint8_t>(first, last, 1, 128);
    }
}

bool Sequence::fits(const ModelShape& shape) const {
    return capacity_ == shape.n_positions && n_layer_ == shape.n_layer && n_head_ == shape.n_kv_head &&
           head_width_ == shape.padded_head();
}

void Sequence::push(std::int32_t id, std::int32_t position, bool shown) {
    ids_.push_back(id);
    positions_.push_back(position);
    shown_.push_back(shown ? 1 : 0);
    hidden_ += shown ? 0 : 1;
}

// So that a token never allocates.
void Sequence::reserve() {
    ids_.reserve(capacity_);
    positions_.reserve(capacity_);
    shown_.reserve(capacity_);
}

void Sequence::check_span(int first, int last) const {
    if (first < 0 || first > last || last > length()) {
        throw std::invalid_argument("span [" + std::to_string(first) + ", " + std::to_string(last) +
                                    ") must lie in 0.." + std::to_string(length()));
    }
}

template <class Number>
void Sequence::nullify_as(int first, int last, Number key, Number value) {
    for (int layer = 0; layer < n_layer_; ++layer) {
        for (int head = 0; head < n_head_; ++head) {
            const auto cache = this->head<Number>(layer, head);
            for (int i = first; i < last; ++i) {
                for (int j = 0; j < head_width_; ++j) {
                    cache.keys[key_place<Number>(i, j, head_width_)] = key;
                    cache.values[value_place<Number>(i, j, head_width_)] = value;
                }
                if (cache.key_scales != nullptr) cache.key_scales[i] = 10000.0f / 127.0f;
            }
        }
    }
}

}  // namespace midigpt::engine
