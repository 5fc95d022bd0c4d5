#include "tokens/vocabulary.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace midigpt {
namespace {

void check_resolution(const char* name, int value) {
    if (value >= 1) return;
    throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                                "; it must be at least 1 tick per quarter note");
}

EncoderConfig checked(EncoderConfig config) {
    check_resolution("resolution", config.resolution);
    check_resolution("decode_resolution", config.decode_resolution);
    config.derive_token_domains();
    return config;
}

}  // namespace

Vocabulary::Vocabulary(EncoderConfig config)
    : config_(checked(std::move(config))),
      velocity_bins_(config_.velocity_levels),
      instrument_groups_(config_.instrument_merge_groups) {
    for (const auto& [type, size] : config_.token_domains) {
        auto& slot = domains_[static_cast<std::size_t>(type)];
        if (size < 1 || slot.size > 0) {
            throw std::invalid_argument("token domain " + std::string(token_type_name(type)) +
                                        (size < 1 ? " has size " + std::to_string(size)
                                                  : std::string(" is listed twice")));
        }
        slot = {this->size(), size};
        type_of_id_.insert(type_of_id_.end(), static_cast<std::size_t>(size), type);
    }
}

std::pair<int, int> Vocabulary::range(TokenType type) const {
    const Domain& d = domain(type);
    return d.size > 0 ? std::pair{d.first, d.first + d.size} : std::pair{-1, -1};
}

int Vocabulary::encode(TokenType type, int value) const {
    const Domain& d = domain(type);
    if (value < 0 || value >= d.size) {
        throw std::out_of_range(std::string(token_type_name(type)) + " value " +
                                std::to_string(value) + " outside its domain of " +
                                std::to_string(d.size));
    }
    return d.first + value;
}

int Vocabulary::encode_clamped(TokenType type, int value) const {
    const Domain& d = domain(type);
    if (d.size == 0) return encode(type, value);
    return d.first + std::clamp(value, 0, d.size - 1);
}

void Vocabulary::check_id(int id) const {
    if (id < 0 || id >= size()) {
        throw std::out_of_range("token id " + std::to_string(id) + " outside 0.." +
                                std::to_string(size() - 1));
    }
}

TokenType Vocabulary::type(int id) const {
    check_id(id);
    return type_of_id_[static_cast<std::size_t>(id)];
}

int Vocabulary::value(int id) const { return id - domain(type(id)).first; }

bool Vocabulary::is_type(int id, TokenType type) const {
    const Domain& d = domain(type);
    return id >= d.first && id < d.first + d.size;
}

int Vocabulary::time_signature_value(int numerator, int denominator) const {
    const auto& list = config_.time_signatures;
    const auto found = std::find(list.begin(), list.end(), TimeSignature{numerator, denominator});
    if (found == list.end()) {
        throw std::runtime_error("time signature " + std::to_string(numerator) + "/" +
                                 std::to_string(denominator) + " is not in the encoder's list");
    }
    return static_cast<int>(found - list.begin());
}

int Vocabulary::num_bars_value(int bars) const {
    const auto& map = config_.num_bars_map;
    if (map.empty()) return bars;
    const auto found = std::find(map.begin(), map.end(), bars);
    if (found == map.end()) {
        std::string allowed;
        for (int n : map) allowed += (allowed.empty() ? "" : ", ") + std::to_string(n);
        throw std::invalid_argument("a window of " + std::to_string(bars) +
                                    " bars is not one of the encoder's lengths (" + allowed + ")");
    }
    return static_cast<int>(found - map.begin());
}

}  // namespace midigpt
