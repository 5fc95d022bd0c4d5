// A set of token types, small enough to build and pass by value on every generated token.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "tokens/vocabulary.hpp"

namespace midigpt {

class TypeSet {
public:
    constexpr TypeSet() = default;
    constexpr TypeSet(TokenType type) { insert(type); }  // implicit: a type is a set of one
    constexpr TypeSet(std::initializer_list<TokenType> types) {
        for (TokenType type : types) insert(type);
    }
    static constexpr TypeSet all() {
        TypeSet set;
        set.words_ = {~std::uint64_t{0}, ~std::uint64_t{0}};
        return set;
    }

    constexpr bool contains(TokenType type) const { return (words_[word(type)] & bit(type)) != 0; }
    constexpr void insert(TokenType type) { words_[word(type)] |= bit(type); }

    constexpr TypeSet operator|(TypeSet other) const {
        other.words_[0] |= words_[0];
        other.words_[1] |= words_[1];
        return other;
    }
    constexpr TypeSet operator-(const TypeSet& other) const {
        TypeSet set;
        set.words_ = {words_[0] & ~other.words_[0], words_[1] & ~other.words_[1]};
        return set;
    }
    constexpr TypeSet& operator|=(const TypeSet& other) { return *this = *this | other; }
    constexpr TypeSet& operator-=(const TypeSet& other) { return *this = *this - other; }

private:
    static constexpr std::size_t word(TokenType type) { return static_cast<std::size_t>(type) / 64; }
    static constexpr std::uint64_t bit(TokenType type) {
        return std::uint64_t{1} << (static_cast<unsigned>(type) % 64);
    }

    std::array<std::uint64_t, 2> words_{};
};

// Clears the values [first, end) of `type`, counted within its domain.
inline void forbid_values(const Vocabulary& vocab, TokenType type, int first, int end,
                          std::span<std::uint8_t> allowed) {
    const int size = vocab.domain_size(type);
    first = std::clamp(first, 0, size);
    end = std::clamp(end, first, size);
    if (first < end) {
        const auto offset = static_cast<std::size_t>(vocab.range(type).first + first);
        std::ranges::fill(allowed.subspan(offset, static_cast<std::size_t>(end - first)), 0);
    }
}

// Clears every id whose type is in `types`.
inline void forbid_types(const Vocabulary& vocab, const TypeSet& types,
                         std::span<std::uint8_t> allowed) {
    std::size_t first = 0;
    for (const auto& [type, size] : vocab.config().token_domains) {
        const auto count = static_cast<std::size_t>(size);
        if (types.contains(type)) std::ranges::fill(allowed.subspan(first, count), 0);
        first += count;
    }
}

}  // namespace midigpt
