// Token types: the kinds of event in the vocabulary, with the integers and names that encoder
// configurations and checkpoints use.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace midigpt {

enum class TokenType : int {
    PieceStart = 0,
    NoteOnset = 1,
    NoteOffset = 2,
    NotePitch = 3,
    NonPitch = 4,
    Velocity = 5,
    TimeDelta = 6,
    TimeAbsolutePos = 7,
    Instrument = 8,
    Bar = 9,
    BarEnd = 10,
    Track = 11,
    TrackEnd = 12,
    DrumTrack = 13,
    FillIn = 14,
    FillInPlaceholder = 15,
    FillInStart = 16,
    FillInEnd = 17,
    Header = 18,
    VelocityLevel = 19,
    Genre = 20,
    NoteDensity = 21,
    TimeSig = 22,
    Segment = 23,
    SegmentEnd = 24,
    SegmentFillIn = 25,
    NoteDuration = 26,
    AvPolyphony = 27,
    MinPolyphony = 28,
    MaxPolyphony = 29,
    MinNoteDuration = 30,
    MaxNoteDuration = 31,
    NumBars = 32,
    MinPolyphonyHard = 33,
    MaxPolyphonyHard = 34,
    MinNoteDurationHard = 35,
    MaxNoteDurationHard = 36,
    RestPercentage = 37,
    PitchClass = 38,
    PitchClassCount = 39,
    BarLevelOnsetDensity = 40,
    BarLevelOnsetPolyphonyMin = 41,
    BarLevelOnsetPolyphonyMax = 42,
    TrackLevelOnsetDensity = 43,
    TrackLevelOnsetPolyphonyMin = 44,
    TrackLevelOnsetPolyphonyMax = 45,
    TrackLevelOnsetDensityMin = 46,
    TrackLevelOnsetDensityMax = 47,
    TrackLevelPitchRangeMin = 48,
    TrackLevelPitchRangeMax = 49,
    KeySignature = 50,
    BarLevelPitchClassSet = 51,
    TrackLevelSilenceProportionMin = 52,
    TrackLevelSilenceProportionMax = 53,
    ValenceSpotify = 54,
    EnergySpotify = 55,
    DanceabilitySpotify = 56,
    Danceability = 57,
    Tension = 58,
    ContainsNoteDurationThirtySecond = 59,
    ContainsNoteDurationSixteenth = 60,
    ContainsNoteDurationEighth = 61,
    ContainsNoteDurationQuarter = 62,
    ContainsNoteDurationHalf = 63,
    ContainsNoteDurationWhole = 64,
    WnbdSyncopation = 65,
    Repetition = 66,
    Delta = 68,
    DeltaDirection = 69,
    None = 70,
    MaskBar = 71,
    TensionDrum = 77,
    UseVelocity = 86,
    UseMicrotiming = 87,
    TrackLevelNomml = 88,
};

struct TokenTypeName {
    TokenType type;
    std::string_view name;
    bool canonical;  // the one name used when writing; the others are accepted when reading
};

// Every known name, canonical ones first for each type.
std::span<const TokenTypeName> token_type_names();

// Canonical name, or "Unknown" for an integer that is no token type.
std::string_view token_type_name(TokenType type);

// Any accepted name (canonical, alias or legacy upper case); empty when unknown.
std::optional<TokenType> token_type_from_name(std::string_view name);

}  // namespace midigpt
