// What an encoder can say: grid, velocity bins, instruments, meters and optional token families.
// Filled in from JSON by `midigpt.encoder_config` (Python); a checkpoint embeds its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tokens/token_type.hpp"

namespace midigpt {

// Canonical genre names and the aliases that stand for them, all matched in lower case.
class GenreGrouping {
public:
    GenreGrouping() = default;
    // groups: canonical name -> aliases. An alias listed twice goes to the alphabetically last group.
    explicit GenreGrouping(const std::map<std::string, std::vector<std::string>>& groups);

    int encode(const std::string& name) const;         // throws std::invalid_argument when unknown
    const std::string& decode(int index) const;        // throws std::out_of_range
    bool contains(const std::string& name) const;
    int num_genres() const { return static_cast<int>(names_.size()); }
    const std::map<std::string, std::vector<std::string>>& groups() const { return groups_; }

private:
    std::map<std::string, std::vector<std::string>> groups_;
    std::vector<std::string> names_;     // sorted by byte order
    std::map<std::string, int> lookup_;  // lower-cased name or alias -> index
};

using TimeSignature = std::pair<int, int>;     // numerator, denominator
using TokenDomain = std::pair<TokenType, int>; // type, number of values

struct EncoderConfig {
    int resolution = 480;         // model grid, ticks per quarter
    int decode_resolution = 480;  // ticks per quarter of decoded scores
    int pitch_min = 0;
    int pitch_max = 127;
    int velocity_levels = 32;
    bool velocity_sticky = true;
    int note_duration_max_beats = 8;
    bool emit_delta_tokens = false;
    bool switchable_velocity = false;
    bool switchable_microtiming = false;
    bool supports_infill = false;
    bool supports_mask_bar_token = false;
    std::vector<int> num_bars_map;
    std::vector<TimeSignature> time_signatures;
    std::vector<std::vector<int>> instrument_merge_groups;
    std::optional<GenreGrouping> genre_grouping;
    std::vector<TokenDomain> token_domains;  // empty: derive
    // The attribute_controls list (attribute names with parameters), kept as text: only Python reads it.
    std::string attribute_controls_json = "[]";
    int model_dim = 4;                       // runtime window length, bars

    // Builds token_domains from the fields above unless they are already there.
    void derive_token_domains();

    // Appends each (type, size) whose type has no domain yet.
    void add_attribute_token_domains(const std::vector<TokenDomain>& domains);
};

}  // namespace midigpt
