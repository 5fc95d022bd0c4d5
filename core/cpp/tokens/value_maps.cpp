#include "tokens/value_maps.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace midigpt {
namespace {

constexpr int kDefaultVelocity = 100;

}  // namespace

VelocityBins::VelocityBins(int levels) : levels_(levels) {
    if (levels < 2) {
        throw std::invalid_argument("velocity_levels is " + std::to_string(levels) +
                                    "; it must be at least 2");
    }
    velocity_of_level_.assign(static_cast<std::size_t>(levels), 0);
    std::vector<int> members(static_cast<std::size_t>(levels), 0);
    for (int velocity = 1; velocity <= 127; ++velocity) {
        const auto bin = static_cast<std::size_t>(level(velocity));
        if (++members[bin] <= 2) velocity_of_level_[bin] = velocity;
    }
    velocity_of_level_[0] = kDefaultVelocity;
}

int VelocityBins::level(int velocity) const {
    if (velocity <= 0) return 0;
    if (velocity >= 127) return levels_ - 1;
    return std::min(1 + velocity * (levels_ - 1) / 128, levels_ - 1);
}

int VelocityBins::velocity(int level) const {
    if (level < 0 || level >= levels_) return kDefaultVelocity;
    return velocity_of_level_[static_cast<std::size_t>(level)];
}

InstrumentGroups::InstrumentGroups(const std::vector<std::vector<int>>& merge_groups) {
    std::array<int, 128> representative{};
    for (int program = 0; program < 128; ++program) representative[program] = program;
    for (const auto& group : merge_groups) {
        for (int program : group) {
            if (program >= 0 && program < 128) representative[program] = group.front();
        }
    }
    representatives_.assign(representative.begin(), representative.end());
    std::sort(representatives_.begin(), representatives_.end());
    representatives_.erase(std::unique(representatives_.begin(), representatives_.end()),
                           representatives_.end());
    for (int program = 0; program < 128; ++program) {
        const auto found = std::lower_bound(representatives_.begin(), representatives_.end(),
                                            representative[program]);
        group_of_program_[program] = static_cast<int>(found - representatives_.begin());
    }
}

int InstrumentGroups::group(int program) const {
    return program < 0 || program > 127 ? 0 : group_of_program_[program];
}

int InstrumentGroups::representative(int group) const {
    if (group < 0 || group >= size()) return 0;
    return representatives_[static_cast<std::size_t>(group)];
}

}  // namespace midigpt
