#include "tokens/encoder_config.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tokens/value_maps.hpp"

namespace midigpt {
namespace {

std::string lower(const std::string& text) {
    std::string out = text;
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

int longest_bar_ticks(const std::vector<TimeSignature>& time_signatures, int resolution) {
    int longest = 0;
    for (const auto& [numerator, denominator] : time_signatures) {
        const int ticks = (4 * numerator * resolution + denominator - 1) / denominator;
        longest = std::max(longest, ticks);
    }
    return longest;
}

}  // namespace

GenreGrouping::GenreGrouping(const std::map<std::string, std::vector<std::string>>& groups)
    : groups_(groups) {
    for (const auto& [name, aliases] : groups_) {
        const int index = static_cast<int>(names_.size());
        names_.push_back(name);
        lookup_[lower(name)] = index;
        for (const auto& alias : aliases) lookup_[lower(alias)] = index;
    }
}

int GenreGrouping::encode(const std::string& name) const {
    const auto found = lookup_.find(lower(name));
    if (found == lookup_.end()) throw std::invalid_argument("unknown genre \"" + name + "\"");
    return found->second;
}

const std::string& GenreGrouping::decode(int index) const {
    if (index < 0 || index >= num_genres()) {
        throw std::out_of_range("genre index " + std::to_string(index) + " outside 0.." +
                                std::to_string(num_genres() - 1));
    }
    return names_[static_cast<std::size_t>(index)];
}

bool GenreGrouping::contains(const std::string& name) const {
    return lookup_.contains(lower(name));
}

void EncoderConfig::derive_token_domains() {
    if (switchable_microtiming) emit_delta_tokens = true;
    if (!token_domains.empty()) return;
    const auto add = [this](TokenType type, int size) { token_domains.emplace_back(type, size); };

    add(TokenType::PieceStart, supports_infill ? 2 : 1);
    add(TokenType::Track, 2);
    add(TokenType::TrackEnd, 1);
    add(TokenType::Bar, 1);
    add(TokenType::BarEnd, 1);
    if (!time_signatures.empty()) add(TokenType::TimeSig, static_cast<int>(time_signatures.size()));
    add(TokenType::Instrument, InstrumentGroups(instrument_merge_groups).size());
    if (!num_bars_map.empty()) add(TokenType::NumBars, static_cast<int>(num_bars_map.size()));
    add(TokenType::NoteOnset, pitch_max - pitch_min + 1);
    add(TokenType::NoteDuration, note_duration_max_beats * resolution);
    if (!time_signatures.empty()) {
        add(TokenType::TimeAbsolutePos, longest_bar_ticks(time_signatures, resolution));
    }
    if (switchable_velocity) add(TokenType::UseVelocity, 2);
    if (switchable_microtiming) add(TokenType::UseMicrotiming, 2);
    if (genre_grouping && genre_grouping->num_genres() > 0) {
        add(TokenType::Genre, genre_grouping->num_genres());
    }
    add(TokenType::VelocityLevel, velocity_levels);
    if (emit_delta_tokens) {
        add(TokenType::DeltaDirection, 2);
        add(TokenType::Delta, std::max(1, resolution / 2));
    }
    if (supports_infill) {
        add(TokenType::FillInPlaceholder, 1);
        add(TokenType::FillInStart, 1);
        add(TokenType::FillInEnd, 1);
    }
    if (supports_mask_bar_token) add(TokenType::MaskBar, 1);
}

void EncoderConfig::add_attribute_token_domains(const std::vector<TokenDomain>& domains) {
    for (const auto& domain : domains) {
        const bool present = std::any_of(token_domains.begin(), token_domains.end(),
                                         [&](const auto& have) { return have.first == domain.first; });
        if (!present) token_domains.push_back(domain);
    }
}

}  // namespace midigpt
