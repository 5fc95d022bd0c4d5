#include "grammar/grammar_constraint.hpp"

#include "grammar/bar_length.hpp"

namespace midigpt {
namespace {

using T = TokenType;

constexpr TypeSet kTrackAttributes{
    T::NoteDensity,
    T::MinPolyphony,
    T::MaxPolyphony,
    T::MinNoteDuration,
    T::MaxNoteDuration,
    T::BarLevelOnsetPolyphonyMax,  // stands for onset polyphony of the track, too
    T::TrackLevelPitchRangeMax,
    T::KeySignature,
    T::TrackLevelSilenceProportionMax,
    T::TrackLevelNomml,
};
constexpr TypeSet kBarAttributes{
    T::Tension,
    T::TensionDrum,
    T::BarLevelPitchClassSet,
    T::BarLevelOnsetDensity,
    T::BarLevelOnsetPolyphonyMin,
    T::BarLevelOnsetPolyphonyMax,
};
constexpr TypeSet kNote{T::VelocityLevel, T::NoteOnset, T::NotePitch, T::DeltaDirection, T::Delta};
constexpr TypeSet kNoteOrPosition = kNote | T::TimeAbsolutePos;
constexpr TypeSet kFillIn{T::FillInPlaceholder, T::FillInStart, T::FillInEnd};
constexpr TokenType kPieceEnd = T::None;  // the two names share an integer

}  // namespace

std::unique_ptr<Constraint> GrammarConstraint::clone() const {
    return std::make_unique<GrammarConstraint>(*this);
}

void GrammarConstraint::step(int id, const Vocabulary& vocab) {
    last_ = vocab.type(id);
    const int value = vocab.value(id);
    switch (last_) {
        case T::Track:
            ++tracks_;
            bars_ = 0;
            drum_ = value == 1;
            break;
        case T::Bar:
            ++bars_;
            in_bar_ = true;
            has_notes_ = false;
            position_ = -1;
            meter_ = {4, 4};
            break;
        case T::TimeSig:
            set_meter(value, vocab.config().time_signatures);
            break;
        case T::BarEnd:
            in_bar_ = false;
            break;
        case T::TimeAbsolutePos:
            position_ = value;
            break;
        case T::FillInStart:
            in_fill_ = true;
            has_notes_ = false;
            position_ = -1;
            break;
        case T::FillInEnd:
            in_fill_ = false;
            break;
        case T::NoteOnset:
        case T::NotePitch:
            has_notes_ = true;
            break;
        default:
            break;
    }
}

// A vocabulary may declare more values than there are signatures; they mean nothing.
void GrammarConstraint::set_meter(int value, const std::vector<TimeSignature>& listed) {
    if (value < static_cast<int>(listed.size())) meter_ = listed[static_cast<std::size_t>(value)];
}

void GrammarConstraint::begin_fill(const FillTarget& target) {
    drum_ = target.drum;
    if (options.fill_in_target_meter) meter_ = target.meter;
}

void GrammarConstraint::mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const {
    forbid_types(vocab, TypeSet::all() - legal_types(), allowed);
    if ((in_bar_ || in_fill_) && !kBarAttributes.contains(last_)) {
        const int positions = vocab.domain_size(T::TimeAbsolutePos);
        const int bar_end = bar_length_ticks(meter_, vocab.config().resolution);
        forbid_values(vocab, T::TimeAbsolutePos, 0, position_ + 1, allowed);
        forbid_values(vocab, T::TimeAbsolutePos, bar_end, positions, allowed);
    }
}

TypeSet GrammarConstraint::legal_types() const {
    TypeSet legal = legal_by_last_type();
    if (options.autoregressive) legal -= kFillIn;
    if (options.mask_track_start) legal -= T::Track;
    if (options.mask_track_end) legal -= T::TrackEnd;
    return legal;
}

TypeSet GrammarConstraint::legal_by_last_type() const {
    const bool is_bar_attribute = kBarAttributes.contains(last_) &&
                                  (in_bar_ || last_ != T::BarLevelOnsetPolyphonyMax);
    if (is_bar_attribute) {
        return kBarAttributes | T::TimeSig | T::MaskBar | kNoteOrPosition | bar_end_if_allowed();
    }
    if (kTrackAttributes.contains(last_)) return after_header_token();
    switch (last_) {
        case T::PieceStart:
            return {T::NumBars, T::Track};
        case T::NumBars:
            return T::Track;
        case T::Track:
            return next_bar_or_track_end() | T::Instrument;
        case T::Instrument:
            return after_header_token();
        case T::Bar:
            return kBarAttributes | T::TimeSig | T::MaskBar | T::FillInPlaceholder |
                   kNoteOrPosition | bar_end_if_allowed();
        case T::TimeSig:
            return TypeSet{T::Tension, T::BarLevelPitchClassSet, T::MaskBar, T::FillInPlaceholder} |
                   kNoteOrPosition | bar_end_if_allowed();
        case T::MaskBar:
        case T::FillInPlaceholder:
            return T::BarEnd;
        case T::BarEnd:
            return after_bar_end();
        case T::TimeAbsolutePos:
            return bar_may_end() ? kNote | block_end() : kNote;
        case T::VelocityLevel:
            return {T::NoteOnset, T::NotePitch, T::Delta, T::DeltaDirection};
        case T::DeltaDirection:
            return T::Delta;
        case T::Delta:
            return {T::NoteOnset, T::NotePitch};
        case T::NoteOnset:
        case T::NotePitch:
            return drum_ ? kNoteOrPosition | block_end() : T::NoteDuration;
        case T::NoteDuration:
            return kNoteOrPosition | block_end();
        case T::TrackEnd:
            return options.max_tracks < 0 || tracks_ < options.max_tracks
                       ? TypeSet{kPieceEnd, T::Track}
                       : kPieceEnd;
        case T::FillInStart:
            return kNoteOrPosition;
        case T::FillInEnd:
            return options.fill_end_is_final ? TypeSet{T::FillInStart, kPieceEnd}
                                             : TypeSet{T::BarEnd, T::FillInStart, kPieceEnd};
        default:
            return TypeSet::all();
    }
}

TypeSet GrammarConstraint::after_header_token() const {
    TypeSet attributes = kTrackAttributes;
    if (options.header_without_bar_types) attributes -= T::BarLevelOnsetPolyphonyMax;
    return attributes | next_bar_or_track_end();
}

TypeSet GrammarConstraint::next_bar_or_track_end() const {
    if (options.exact_bars < 0) return {T::Bar, T::TrackEnd};
    return bars_ < options.exact_bars ? T::Bar : T::TrackEnd;
}

TypeSet GrammarConstraint::after_bar_end() const {
    TypeSet legal = next_bar_or_track_end() | T::FillInStart;
    if (legal.contains(T::TrackEnd)) legal |= kPieceEnd;
    return legal;
}

TypeSet GrammarConstraint::bar_end_if_allowed() const {
    return bar_may_end() ? TypeSet{T::BarEnd} : TypeSet{};
}

}  // namespace midigpt
