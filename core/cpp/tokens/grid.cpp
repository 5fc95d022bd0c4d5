#include "tokens/grid.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace midigpt {
namespace {

int saturated(double ticks) {
    constexpr double lowest = std::numeric_limits<int>::min();
    constexpr double highest = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp(ticks, lowest, highest));
}

// Integer products keep the division exact; it truncates toward zero.
int scaled(int ticks, int source, int target) {
    return saturated(static_cast<double>(std::int64_t{ticks} * target / source));
}

void check_resolution(const char* name, int value) {
    if (value < 1) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                                    " ticks per quarter note; it must be at least 1");
    }
}

}  // namespace

void resample(Score& score, int source, int target, bool use_delta) {
    check_resolution("source resolution", source);
    check_resolution("target resolution", target);
    for (Note& note : score.notes) {
        if (use_delta) {
            // Floating-point operations in the order of MIDI-GPT 0.4.2: another one rounds differently.
            const double fraction = static_cast<double>(note.delta) / source;
            const double position =
                (note.onset_ticks + fraction) * (static_cast<double>(target) / source);
            note.onset_ticks = std::max(0, saturated(position));
            note.delta = saturated(std::nearbyint((position - note.onset_ticks) * target));
        } else {
            note.onset_ticks = std::max(0, scaled(note.onset_ticks, source, target));
            note.delta = 0;
        }
        note.duration_ticks = std::max(1, scaled(note.duration_ticks, source, target));
    }
    score.resolution = target;
}

}  // namespace midigpt
