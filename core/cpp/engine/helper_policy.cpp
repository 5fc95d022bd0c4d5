#include "engine/helper_policy.hpp"

#include <algorithm>

namespace midigpt::engine {
namespace {

// What a piece takes alone is learnt from those that nothing interrupted: less is believed sooner than more.
constexpr int kSmoothingUp = 8;
constexpr int kSmoothingDown = 2;
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
        if (kind.alone > Duration::zero()) weigh(std::min(kind.alone * rows_, threads_ * taken) - taken);
        return;
    }
    rest_left_ -= std::min(rest_left_, taken);
    kind.until_sample = kind.period;
    kind.period = std::min(4 * kind.period, kLastPeriod);
    const Duration row = taken / rows_;
    if (kind.alone == Duration::zero() || kind.alone > kOutlier * row) {
        kind.alone = row;
    } else {
        const int smoothing = row > kind.alone ? kSmoothingUp : kSmoothingDown;
        kind.alone += (std::min(row, kOutlier * kind.alone) - kind.alone) / smoothing;
    }
}

HelperPolicy::Kind& HelperPolicy::kind_of(int rows) {
    const int index = rows <= kExactRows ? rows - 1 : kExactRows + (rows - 1) / kExactRows - 1;
    return kinds_[std::min(index, static_cast<int>(kinds_.size()) - 1)];
}

void HelperPolicy::weigh(Duration profit) {
    balance_ = std::min(balance_ + profit, kMostCredit);
    earned_ += profit;
    if (balance_ >= -kMostDebt) return;
    if (earned_ > Duration::zero()) next_rest_ = kShortestRest;
    rest_left_ = std::max(next_rest_, -kRestPerDebt * balance_);
    next_rest_ = std::min(2 * next_rest_, kLongestRest);
    balance_ = earned_ = {};
}

}  // namespace midigpt::engine
