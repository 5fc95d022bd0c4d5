// Encoder configurations for the tests. The published ones are JSON files, which Python reads; these
// have their fields where the tests need them.
#pragma once

#include "tokens/encoder_config.hpp"

namespace midigpt::tests {

// Fields of the published yellow encoder, with a shorter list of time signatures.
inline EncoderConfig yellow_config() {
    EncoderConfig config;
    config.resolution = 12;
    config.decode_resolution = 1920;
    config.supports_infill = true;
    config.num_bars_map = {4, 8};
    config.time_signatures = {{2, 4}, {3, 4}, {4, 4}, {6, 8}, {7, 8}, {16, 4}};
    config.instrument_merge_groups = {{0, 1, 2}, {4, 5}, {16, 17, 18}, {48, 49}};
    config.derive_token_domains();
    config.add_attribute_token_domains({{TokenType::NoteDensity, 10},
                                        {TokenType::MinPolyphony, 10},
                                        {TokenType::MaxPolyphony, 10},
                                        {TokenType::MinNoteDuration, 6},
                                        {TokenType::MaxNoteDuration, 6}});
    return config;
}

// Every optional family of tokens: switches, genre, microtiming, masks, bar attributes.
inline EncoderConfig everything_config() {
    EncoderConfig config = yellow_config();
    config.token_domains.clear();
    config.num_bars_map = {1, 2, 4, 8};
    config.velocity_levels = 128;
    config.switchable_velocity = true;
    config.switchable_microtiming = true;
    config.supports_mask_bar_token = true;
    config.genre_grouping = GenreGrouping({{"rock", {"punk"}}, {"jazz", {"bebop", "swing"}}});
    config.derive_token_domains();
    config.add_attribute_token_domains({{TokenType::KeySignature, 25},
                                        {TokenType::TrackLevelPitchRangeMax, 128},
                                        {TokenType::BarLevelOnsetDensity, 10},
                                        {TokenType::BarLevelOnsetPolyphonyMax, 10},
                                        {TokenType::BarLevelPitchClassSet, 13}});
    return config;
}

}  // namespace midigpt::tests
