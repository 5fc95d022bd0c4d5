// Maps between musical values and token values: velocity bins, instrument groups, bar lengths.
#pragma once

#include <array>
#include <vector>

namespace midigpt {

// Velocity 0..127 to one of `levels` bins. Level 0 means "no velocity".
class VelocityBins {
public:
    explicit VelocityBins(int levels);  // throws std::invalid_argument when levels < 2

    int level(int velocity) const;

    // The second smallest velocity of the bin (the only one if it has one member, 0 if none);
    // level 0 decodes to 100. Published checkpoints were trained on these representatives.
    int velocity(int level) const;

private:
    int levels_;
    std::vector<int> velocity_of_level_;
};

// General MIDI programs merged into groups that share a token. The representative of a group is its
// first member; groups are numbered by rank of their representative.
class InstrumentGroups {
public:
    explicit InstrumentGroups(const std::vector<std::vector<int>>& merge_groups);

    int size() const { return static_cast<int>(representatives_.size()); }
    int group(int program) const;         // 0 when program is outside 0..127
    int representative(int group) const;  // program; 0 when group is out of range

private:
    std::vector<int> representatives_;
    std::array<int, 128> group_of_program_{};
};

}  // namespace midigpt
