// One cached sequence: the keys and values of the tokens seen so far, which of them are hidden, and
// the ids themselves, so that a new prompt can keep the part it shares with the old one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels.hpp"
#include "engine/model_shape.hpp"
#include "engine/number.hpp"
#include "engine/page_buffer.hpp"

namespace midigpt::engine {

enum class CacheType { Float32, Float16, Int8 };

class Sequence {
public:
    // Reserves room for shape.n_positions tokens; memory is taken as the sequence grows.
    Sequence(const ModelShape& shape, CacheType type);

    CacheType type() const { return type_; }
    int length() const { return static_cast<int>(ids_.size()); }
    int capacity() const { return capacity_; }
    std::span<const std::int32_t> ids() const { return ids_; }
    std::span<const std::int32_t> positions() const { return positions_; }
    // The position that the next token has unless another is given: one after the last one's.
    int next_position() const { return positions_.empty() ? 0 : positions_.back() + 1; }

    // Drops all tokens from index `length` on. Throws std::invalid_argument outside 0..length().
    void cut(int length);

    // A second sequence with the same tokens.
    Sequence copy() const;

    // How many leading tokens could stay if the sequence became `ids` at `positions` (empty: 0, 1, …)
    // with `shown` (empty: all). Hidden entries change the values behind them, so they must agree too.
    int shared_prefix(std::span<const std::int32_t> ids, std::span<const std::int32_t> positions,
                      std::span<const std::uint8_t> shown) const;

    // Sets the keys of entries [first, last) to -10000 and their values to 0: the `attention_approx`
    // mode of MIDI-GPT 0.4.2. Throws std::invalid_argument outside 0..length().
    void nullify(int first, int last);

    // Whether it was made for a model of this shape.
    bool fits(const ModelShape& shape) const;

    // For the transformer: null when nothing is hidden.
    const std::uint8_t* shown() const { return hidden_ > 0 ? shown_.data() : nullptr; }
    void push(std::int32_t id, std::int32_t position, bool shown);

    template <class Number>
    HeadCache<Number> head(int layer, int head) {
        std::byte* const begin = cache_.data() + (static_cast<std::size_t>(layer) * n_head_ + head) * head_bytes_;
        const std::size_t positions = padded(capacity_);
        auto* keys = reinterpret_cast<Number*>(begin);
        HeadCache<Number> cache{keys, keys + positions * head_width_};
        if (type_ == CacheType::Int8) {
            cache.key_scales = reinterpret_cast<float*>(cache.values + positions * head_width_);
            cache.value_scales = cache.key_scales + positions;
        }
        return cache;
    }

private:
    Sequence(const Sequence& other, PageBuffer cache);
    void reserve();
    void check_span(int first, int last) const;
    template <class Number>
    void nullify_as(int first, int last, Number key, Number value);

    CacheType type_;
    int capacity_;
    int n_layer_;
    int n_head_;      // key heads
    int head_width_;  // padded
    std::size_t head_bytes_;
    PageBuffer cache_;
    std::vector<std::int32_t> ids_;
    std::vector<std::int32_t> positions_;
    std::vector<std::uint8_t> shown_;
    int hidden_ = 0;  // entries of shown_ that are 0
};

}  // namespace midigpt::engine
