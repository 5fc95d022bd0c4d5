// Where the levels of attribute tokens are kept: under string keys in `Track::attributes`.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "tokens/token_type.hpp"

namespace midigpt {

struct AttributeKey {
    TokenType type;
    std::string_view name;
};

// Track attributes in the order of their tokens in a track header; the name is the key.
inline constexpr auto kTrackAttributes = std::to_array<AttributeKey>({
    {TokenType::MinPolyphony, "min_polyphony"},
    {TokenType::MaxPolyphony, "max_polyphony"},
    {TokenType::MinNoteDuration, "min_note_duration"},
    {TokenType::MaxNoteDuration, "max_note_duration"},
    {TokenType::NoteDensity, "note_density"},
    {TokenType::BarLevelOnsetPolyphonyMax, "onset_polyphony"},
    {TokenType::TrackLevelPitchRangeMax, "pitch_range"},
    {TokenType::KeySignature, "key_signature"},
    {TokenType::TrackLevelSilenceProportionMax, "silence_proportion"},
    {TokenType::TrackLevelNomml, "nomml"},
});

// Track attributes that are read from tokens but never written.
inline constexpr auto kDecodedTrackAttributes = std::to_array<AttributeKey>({
    {TokenType::TrackLevelSilenceProportionMin, "silence_proportion_min"},
    {TokenType::TrackLevelOnsetDensity, "track_onset_density"},
    {TokenType::TrackLevelOnsetPolyphonyMin, "track_onset_polyphony_min"},
});

// Bar attributes in the order of their tokens after Bar; see bar_attribute_key().
inline constexpr auto kBarAttributes = std::to_array<AttributeKey>({
    {TokenType::Tension, "Tension"},
    {TokenType::TensionDrum, "TensionDrum"},
    {TokenType::BarLevelPitchClassSet, "PitchClassSet"},
    {TokenType::BarLevelOnsetDensity, "BarLevelOnsetDensity"},
    {TokenType::BarLevelOnsetPolyphonyMin, "BarLevelOnsetPolyphonyMin"},
    {TokenType::BarLevelOnsetPolyphonyMax, "BarLevelOnsetPolyphonyMax"},
});

// The name under which attribute analysis stores pitch class sets, unlike the one above: MIDI-GPT
// 0.4.2 therefore never writes their tokens (D1 of docs/compatibility.md).
inline constexpr std::string_view kAnalysedPitchClassSet = "BarLevelPitchClassSet";

// Key of a bar attribute; `bar` counts from the first bar of the score at hand.
inline std::string bar_attribute_key(std::string_view name, int bar) {
    std::string key = "bar_";
    key += name;
    key += '_';
    key += std::to_string(bar);
    return key;
}

}  // namespace midigpt
