#include "generation/slice_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace midigpt {
namespace {

constexpr std::size_t kUsualCandidates = events::kNotes + 1;  // the largest slot

}  // namespace

void SliceRules::check() const {
    const auto refuse = [](const char* name, double value, const char* range) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) + ", must be " + range);
    };
    if (!(temperature >= 0) || std::isinf(temperature)) refuse("temperature", temperature, "at least 0");
    if (top_k < 0) refuse("top_k", top_k, "at least 0");
    if (!(top_p > 0 && top_p <= 1)) refuse("top_p", top_p, "in (0, 1]");
}

SliceSampler::SliceSampler(const SliceRules& rules, std::uint32_t seed) : rules_(rules), twister_(seed) {
    rules_.check();
    candidates_.reserve(kUsualCandidates);
}

int SliceSampler::draw(std::span<const float> logits, std::span<const events::IdRange> ranges) {
    candidates_.clear();
    for (const auto& range : ranges) {
        if (range.first < 0 || range.first > range.last || static_cast<std::size_t>(range.last) > logits.size()) {
            throw std::invalid_argument("range " + std::to_string(range.first) + ".." + std::to_string(range.last) +
                                        " exceeds the " + std::to_string(logits.size()) + " logits");
        }
        for (int id = range.first; id < range.last; ++id) candidates_.push_back({id, 0.0f});
    }
    if (candidates_.empty()) return kNone;
    const int best = most_likely(logits);
    if (rules_.temperature == 0) return best;

    const float largest = logits[best];
    double total = 0;
    for (auto& candidate : candidates_) {
        candidate.weight = std::exp((logits[candidate.id] - largest) / rules_.temperature);
        total += candidate.weight;
    }
    if (!std::isfinite(total)) return best;
    filter(total);
    return pick();
}

int SliceSampler::most_likely(std::span<const float> logits) const {
    int best = candidates_.front().id;
    for (const auto& candidate : candidates_) {
        if (logits[candidate.id] > logits[best]) best = candidate.id;
    }
    return best;
}

void SliceSampler::filter(double total) {
    const auto heavier = [](const Candidate& a, const Candidate& b) {
        return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
    };
    if (rules_.top_k > 0 && static_cast<std::size_t>(rules_.top_k) < candidates_.size()) {
        std::nth_element(candidates_.begin(), candidates_.begin() + rules_.top_k, candidates_.end(), heavier);
        candidates_.resize(rules_.top_k);
        total = 0;
        for (const auto& candidate : candidates_) total += candidate.weight;
    }
    if (rules_.top_p >= 1) return;
    // The lightest that cannot reach the rest of the share even together are not worth sorting.
    const double least = (1.0 - rules_.top_p) * total / static_cast<double>(candidates_.size());
    std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.weight < least; });
    std::sort(candidates_.begin(), candidates_.end(), heavier);
    double sum = 0;
    std::size_t kept = 0;
    while (kept < candidates_.size() && sum < rules_.top_p * total) sum += candidates_[kept++].weight;
    candidates_.resize(kept);
}

int SliceSampler::pick() {
    double total = 0;
    for (const auto& candidate : candidates_) total += candidate.weight;
    double left = uniform() * total;
    for (const auto& candidate : candidates_) {
        left -= candidate.weight;
        if (left < 0) return candidate.id;
    }
    return candidates_.front().id;  // rounding left a grain
}

// 53 bits of two words, in [0, 1).
double SliceSampler::uniform() {
    const std::uint64_t high = twister_();
    const std::uint64_t low = twister_();
    constexpr std::uint64_t kMask = (std::uint64_t{1} << 53) - 1;
    return static_cast<double>((high << 32 | low) & kMask) * 0x1p-53;
}

}  // namespace midigpt
