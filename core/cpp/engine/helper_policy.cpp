#include "engine/helper_policy.hpp"

#include <algorithm>

namespace midigpt::engine {
namespace {

constexpr int kSmoothing = 8;
constexpr int kOutlier = 2;  // a piece that took more than so many times as long as another was interrupted

}  // namespace

bool HelperPolicy::begin(int rows) {
    rows_ = rows;
    helped_ = !are_resting() && kind_of(rows).until_sample-- > 0;
    return helped_;
}

void HelperPolicy::end(Duration taken) {
    Kind& kind = kind_of(rows_);
    if (helped_) {
        if (kind.alone > Duration::zero()) weigh(kind.alone * rows_ - taken);
        return;
    }
    rest_left_ -= std::min(rest_left_, taken);
    kind.until_sample = kind.period;
    kind.period = std::min(2 * kind.period, kLastPeriod);
    const Duration row = taken / rows_;
    const bool is_known = kind.alone > Duration::zero() && kind.alone < kOutlier * row;
    kind.alone = is_known ? kind.alone + (std::min(row, kOutlier * kind.alone) - kind.alone) / kSmoothing : row;
}

HelperPolicy::Kind& HelperPolicy::kind_of(int rows) {
    const int index = rows <= kExactRows ? rows - 1 : kExactRows + (rows - 1) / kExactRows - 1;
    return kinds_[std::min(index, static_cast<int>(kinds_.size()) - 1)];
}

void HelperPolicy::weigh(Duration profit) {
    debt_ = std::max(debt_ - profit, Duration::zero());
    earned_ += profit;
    if (earned_ >= kProof) next_rest_ = kShortestRest;
    if (debt_ <= kMostDebt) return;
    rest_left_ = next_rest_;
    next_rest_ = std::min(2 * next_rest_, kLongestRest);
    debt_ = earned_ = {};
}

}  // namespace midigpt::engine
