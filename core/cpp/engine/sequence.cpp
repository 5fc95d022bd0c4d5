#include "engine/sequence.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt::engine {
namespace {

std::size_t bytes_of(CacheType type) { return type == CacheType::Float32 ? sizeof(float) : sizeof(Half); }

}  // namespace

Sequence::Sequence(const ModelShape& shape, CacheType type)
    : type_(type),
      capacity_(shape.n_positions),
      n_layer_(shape.n_layer),
      n_head_(shape.n_kv_head),
      head_width_(shape.padded_head()),
      head_bytes_(std::size_t{2} * padded(capacity_) * head_width_ * bytes_of(type)),
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
    const std::size_t half = head_bytes_ / 2;  // keys, then values
    const std::size_t used = half / padded(capacity_) * padded(length());
    for (int part = 0; part < 2 * n_layer_ * n_head_; ++part) {
        std::memcpy(other.cache_.data() + part * half, cache_.data() + part * half, used);
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
        nullify_as<float>(first, last, -10000.0f);
    } else {
        nullify_as<Half>(first, last, to_half(-10000.0f));
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
void Sequence::nullify_as(int first, int last, Number key) {
    for (int layer = 0; layer < n_layer_; ++layer) {
        for (int head = 0; head < n_head_; ++head) {
            Number* all_keys = keys<Number>(layer, head);
            Number* all_values = values<Number>(layer, head);
            for (int i = first; i < last; ++i) {
                Number* block = all_keys + static_cast<std::size_t>(i / kLanes) * head_width_ * kLanes;
                for (int j = 0; j < head_width_; ++j) {
                    block[j * kLanes + i % kLanes] = key;
                    all_values[static_cast<std::size_t>(i) * head_width_ + j] = Number{};
                }
            }
        }
    }
}

}  // namespace midigpt::engine
