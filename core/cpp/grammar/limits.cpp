#include "grammar/limits.hpp"

#include "grammar/type_set.hpp"

namespace midigpt {
namespace {

using T = TokenType;

constexpr TypeSet kOnset{T::NoteOnset, T::NotePitch};
constexpr TypeSet kNote = kOnset | TypeSet{T::VelocityLevel, T::Delta, T::DeltaDirection};
constexpr TypeSet kBlockEdge{T::Bar, T::BarEnd, T::FillInStart, T::FillInEnd};

void count_onset(TokenType type, const TypeSet& resets, int& onsets) {
    if (kOnset.contains(type)) ++onsets;
    if (resets.contains(type)) onsets = 0;
}

}  // namespace

std::unique_ptr<Constraint> PolyphonyConstraint::clone() const {
    return std::make_unique<PolyphonyConstraint>(*this);
}

void PolyphonyConstraint::step(int id, const Vocabulary& vocab) {
    count_onset(vocab.type(id), kBlockEdge | T::TimeAbsolutePos, onsets_);
}

void PolyphonyConstraint::mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const {
    if (onsets_ >= limit_) forbid_types(vocab, kNote, allowed);
}

std::unique_ptr<Constraint> DensityConstraint::clone() const {
    return std::make_unique<DensityConstraint>(*this);
}

void DensityConstraint::step(int id, const Vocabulary& vocab) {
    count_onset(vocab.type(id), kBlockEdge, onsets_);
}

void DensityConstraint::mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const {
    if (onsets_ >= limit_) forbid_types(vocab, kNote | T::TimeAbsolutePos, allowed);
}

}  // namespace midigpt
