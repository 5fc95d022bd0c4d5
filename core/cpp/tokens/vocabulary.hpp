// Token ids: consecutive domains, id = first id of the type + value.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "tokens/encoder_config.hpp"
#include "tokens/token_type.hpp"
#include "tokens/value_maps.hpp"

namespace midigpt {

class Vocabulary {
public:
    // Derives the token domains of `config` if it has none. Throws std::invalid_argument when a
    // resolution is below 1, velocity_levels below 2, or a domain is empty or listed twice.
    explicit Vocabulary(EncoderConfig config);

    int size() const { return static_cast<int>(type_of_id_.size()); }
    bool has(TokenType type) const { return domain_size(type) > 0; }
    int domain_size(TokenType type) const { return domain(type).size; }

    // [first id, end id), or (-1, -1) when the type is absent.
    std::pair<int, int> range(TokenType type) const;

    // Throws std::out_of_range when the type is absent or the value outside its domain.
    int encode(TokenType type, int value) const;
    // Like encode(), with the value clamped into the domain; the type must be present.
    int encode_clamped(TokenType type, int value) const;

    TokenType type(int id) const;  // throws std::out_of_range
    int value(int id) const;       // throws std::out_of_range
    bool is_type(int id, TokenType type) const;

    // Index of n/d in the configured list; throws std::runtime_error naming the signature.
    int time_signature_value(int numerator, int denominator) const;
    // Index of `bars` in num_bars_map (ValueError: std::invalid_argument); `bars` itself, without a map.
    int num_bars_value(int bars) const;

    const VelocityBins& velocity_bins() const { return velocity_bins_; }
    const InstrumentGroups& instrument_groups() const { return instrument_groups_; }
    const EncoderConfig& config() const { return config_; }

private:
    struct Domain {
        int first = -1;
        int size = 0;
    };
    static constexpr int kTypeCount = 128;

    const Domain& domain(TokenType type) const { return domains_[static_cast<std::size_t>(type)]; }
    void check_id(int id) const;

    EncoderConfig config_;
    VelocityBins velocity_bins_;
    InstrumentGroups instrument_groups_;
    std::array<Domain, kTypeCount> domains_{};
    std::vector<TokenType> type_of_id_;
};

}  // namespace midigpt
