#include "grammar/note_budget.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "grammar/bar_length.hpp"
#include "grammar/type_set.hpp"

namespace midigpt {
namespace {

using T = TokenType;

constexpr TypeSet kOnset{T::NoteOnset, T::NotePitch};
constexpr TypeSet kNote = kOnset | TypeSet{T::VelocityLevel, T::Delta, T::DeltaDirection};
constexpr TypeSet kMore = kNote | T::TimeAbsolutePos;

bool allows_any(const Vocabulary& vocab, const TypeSet& types, std::span<const std::uint8_t> allowed) {
    std::size_t first = 0;
    for (const auto& [type, size] : vocab.config().token_domains) {
        const auto domain = allowed.subspan(first, static_cast<std::size_t>(size));
        if (types.contains(type) && std::ranges::any_of(domain, [](auto flag) { return flag != 0; })) return true;
        first += domain.size();
    }
    return false;
}

std::span<float> values_of(const Vocabulary& vocab, TokenType type, std::span<float> logits) {
    const auto size = static_cast<std::size_t>(vocab.domain_size(type));
    return size == 0 ? std::span<float>{}
                     : logits.subspan(static_cast<std::size_t>(vocab.range(type).first), size);
}

}  // namespace

NoteBudget::NoteBudget(int least, int most)
    : least_(least), most_(most), spread_(std::sqrt(static_cast<float>(std::max(least, most)))) {
    if (least < 1 || (most != kUnbounded && most < least)) {
        throw std::invalid_argument("least is " + std::to_string(least) + " and most is " + std::to_string(most) +
                                    ", must be 1 <= least <= most, or most 0");
    }
}

std::unique_ptr<Constraint> NoteBudget::clone() const { return std::make_unique<NoteBudget>(*this); }

void NoteBudget::step(int id, const Vocabulary& vocab) {
    const TokenType type = vocab.type(id);
    const int value = vocab.value(id);
    if (type == T::Bar) meter_ = {4, 4};
    if (type == T::Bar || type == T::FillInStart) {
        in_block_ = true;
        onsets_ = onsets_here_ = position_ = 0;
    } else if (type == T::BarEnd || type == T::FillInEnd) {
        in_block_ = false;
    } else if (type == T::TimeSig) {
        const auto& listed = vocab.config().time_signatures;
        if (value < static_cast<int>(listed.size())) meter_ = listed[static_cast<std::size_t>(value)];
    } else if (type == T::TimeAbsolutePos) {
        position_ = value;
        onsets_here_ = 0;
    } else if (kOnset.contains(type)) {
        ++onsets_;
        ++onsets_here_;
    }
}

void NoteBudget::begin_fill(const FillTarget& target) { meter_ = target.meter; }

void NoteBudget::mask(const Vocabulary& vocab, std::span<std::uint8_t> allowed) const {
    if (!in_block_) return;
    if (most_ != kUnbounded && onsets_ >= most_) forbid_types(vocab, kMore, allowed);
    if (onsets_ < least_ && allows_any(vocab, kMore, allowed)) {
        forbid_types(vocab, TypeSet{T::BarEnd, T::FillInEnd}, allowed);
    }
}

void NoteBudget::bias(const Vocabulary& vocab, std::span<float> logits) const {
    if (!in_block_) return;
    const auto length = static_cast<float>(bar_length_ticks(meter_, vocab.config().resolution));
    const auto positions = values_of(vocab, T::TimeAbsolutePos, logits);
    for (std::size_t tick = 0; tick < positions.size(); ++tick) {
        const float share = static_cast<float>(tick) / length;
        positions[tick] -= lacking(onsets_, share) + beyond(onsets_ + 1, share);
    }
    if (onsets_here_ == 0) return;  // a position that was chosen gets its note
    const float here = static_cast<float>(position_) / length;
    const float excess = beyond(onsets_ + 1, here) - beyond(onsets_, here);
    for (const T type : {T::VelocityLevel, T::NoteOnset, T::NotePitch, T::Delta, T::DeltaDirection}) {
        for (float& logit : values_of(vocab, type, logits)) logit -= excess;
    }
}

float NoteBudget::lacking(int count, float share) const {
    return std::max(0.0f, static_cast<float>(least_) * share - spread_ * (1 - share) - static_cast<float>(count));
}

float NoteBudget::beyond(int count, float share) const {
    if (most_ == kUnbounded) return 0.0f;
    return std::max(0.0f, static_cast<float>(count) - static_cast<float>(most_) * share - spread_ * (1 - share));
}

}  // namespace midigpt
