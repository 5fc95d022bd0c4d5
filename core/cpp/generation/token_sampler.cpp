#include "generation/token_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {
namespace {

void check(bool in_range, const char* name, double value, const char* range) {
    if (in_range) return;
    throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) + ", must be " + range);
}

}  // namespace

void SamplingRules::check() const {
    midigpt::check(temperature > 0, "temperature", temperature, "above 0");
    midigpt::check(top_k >= 0, "top_k", top_k, "at least 0");
    midigpt::check(top_p > 0 && top_p <= 1, "top_p", top_p, "in (0, 1]");
    midigpt::check(mask_k >= 0, "mask_k", mask_k, "at least 0");
    midigpt::check(mask_p >= 0 && mask_p < 1, "mask_p", mask_p, "in [0, 1)");
}

TokenSampler::TokenSampler(const SamplingRules& rules, std::vector<std::uint8_t> note_content,
                           std::vector<float> weights, std::uint32_t seed)
    : rules_(rules), note_content_(std::move(note_content)), weights_(std::move(weights)), twister_(seed) {
    rules_.check();
    if (!weights_.empty() && weights_.size() != note_content_.size()) {
        throw std::invalid_argument("weights has " + std::to_string(weights_.size()) +
                                    " entries, must have " + std::to_string(note_content_.size()));
    }
    candidates_.reserve(note_content_.size());
    unfiltered_.reserve(note_content_.size());
}

int TokenSampler::draw(std::span<const float> logits, std::span<const std::uint8_t> allowed) {
    if (logits.size() != note_content_.size() || allowed.size() != note_content_.size()) {
        throw std::invalid_argument("logits and allowed must have " + std::to_string(vocab_size()) + " entries");
    }
    candidates_.clear();
    for (int id = 0; id < vocab_size(); ++id) {
        if (allowed[id] != 0) candidates_.push_back({id, 0.0f});
    }
    if (candidates_.empty()) return kNone;
    set_probabilities(logits);
    if (!weights_.empty()) reweight();
    if (rules_.filters()) filter();
    return race();
}

// Softmax of logits / temperature; uniform where that is no number.
void TokenSampler::set_probabilities(std::span<const float> logits) {
    float largest = -std::numeric_limits<float>::infinity();
    for (const auto& candidate : candidates_) {
        largest = std::max(largest, logits[candidate.id] / rules_.temperature);
    }
    double total = 0;
    for (auto& candidate : candidates_) {
        candidate.probability = std::exp(logits[candidate.id] / rules_.temperature - largest);
        total += candidate.probability;
    }
    if (std::isfinite(total)) {
        for (auto& candidate : candidates_) candidate.probability /= static_cast<float>(total);
    } else {
        for (auto& candidate : candidates_) candidate.probability = 1.0f / static_cast<float>(candidates_.size());
    }
}

void TokenSampler::reweight() {
    unfiltered_ = candidates_;
    for (auto& candidate : candidates_) candidate.probability *= weights_[candidate.id];
    if (!normalise()) std::swap(candidates_, unfiltered_);
}

void TokenSampler::filter() {
    unfiltered_ = candidates_;
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
        return a.probability != b.probability ? a.probability > b.probability : a.id < b.id;
    });
    candidates_.resize(count_likely());
    bool left = normalise();
    if (left) {
        const int dropped = count_too_likely(static_cast<int>(candidates_.size()));
        for (int i = 0; i < dropped; ++i) {
            if (note_content_[candidates_[i].id] != 0) candidates_[i].probability = 0.0f;
        }
        left = normalise();
    }
    if (!left) std::swap(candidates_, unfiltered_);
}

// Survivors of top_k and top_p; top_p is measured before top_k (quirk Q25).
int TokenSampler::count_likely() const {
    const auto is_possible = [](const Candidate& candidate) { return candidate.probability > 0; };
    const int possible = static_cast<int>(std::count_if(candidates_.begin(), candidates_.end(), is_possible));
    int count = rules_.top_k > 0 ? std::min(rules_.top_k, possible) : possible;
    if (rules_.top_p < 1) count = std::min(count, reaching(static_cast<int>(candidates_.size()), rules_.top_p));
    return count;
}

int TokenSampler::count_too_likely(int survivors) const {
    int count = rules_.mask_k < survivors ? rules_.mask_k : 0;
    if (rules_.mask_p > 0) count = std::max(count, std::min(reaching(survivors, rules_.mask_p), survivors - 1));
    return count;
}

// How many leading candidates it takes until their sum reaches `share`; all, if it never does.
int TokenSampler::reaching(int count, float share) const {
    double total = 0;
    for (int i = 0; i < count; ++i) {
        total += candidates_[i].probability;
        if (static_cast<float>(total) >= share) return i + 1;
    }
    return count;
}

// False, and nothing changed, when the probabilities sum to 0.
bool TokenSampler::normalise() {
    double total = 0;
    for (const auto& candidate : candidates_) total += candidate.probability;
    if (!(total > 0)) return false;
    for (auto& candidate : candidates_) candidate.probability /= static_cast<float>(total);
    return true;
}

// The largest probability / exponential variate wins. Every id of the vocabulary takes a variate, as
// in torch.multinomial on a CPU, so that the draws are the same ones.
int TokenSampler::race() {
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    int winner = candidates_.front().id;
    float best = -1.0f;
    auto candidate = candidates_.begin();
    for (int id = 0; id < vocab_size(); ++id) {
        const double number = uniform();
        if (candidate == candidates_.end() || candidate->id != id) continue;
        if (candidate->probability > 0) {
            const auto variate = static_cast<float>(-std::log1p(-number));
            const float score = candidate->probability / std::max(variate, std::numeric_limits<float>::min());
            if (score > best) {
                best = score;
                winner = id;
            }
        }
        ++candidate;
    }
    return winner;
}

// 53 bits of two words, in [0, 1).
double TokenSampler::uniform() {
    const std::uint64_t high = twister_();
    const std::uint64_t low = twister_();
    constexpr std::uint64_t kMask = (std::uint64_t{1} << 53) - 1;
    return static_cast<double>((high << 32 | low) & kMask) * 0x1p-53;
}

}  // namespace midigpt
