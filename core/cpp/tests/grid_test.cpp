#include <limits>

#include "tests/check.hpp"
#include "tokens/grid.hpp"

using namespace midigpt;

namespace {

Note resampled(const Note& note, int source, int target, bool use_delta) {
    Score score;
    score.notes = {note};
    resample(score, source, target, use_delta);
    CHECK_EQUAL(score.resolution, target);
    return score.notes[0];
}

}  // namespace

TEST("grid: positions are floored") {
    const Note note = resampled({60, 90, 479, 959, 3}, 480, 12, false);
    CHECK_EQUAL(note.onset_ticks, 11);
    CHECK_EQUAL(note.duration_ticks, 23);
    CHECK_EQUAL(note.delta, 0);
}

TEST("grid: microtiming keeps what flooring loses, to the nearest even") {
    CHECK_EQUAL(resampled({60, 90, 479, 959, 0}, 480, 12, true).delta, 12);  // 11.7
    CHECK_EQUAL(resampled({60, 90, 5, 1, 0}, 480, 12, true).delta, 2);       // 1.5
    CHECK_EQUAL(resampled({60, 90, 0, 1, 60}, 480, 12, true).delta, 0);      // 1/8 of 1/40 of 12
    const Note back = resampled({60, 90, 11, 23, 6}, 12, 480, true);
    CHECK_EQUAL(back.onset_ticks, 460);  // 11.5 ticks of 40
    CHECK_EQUAL(back.duration_ticks, 920);
    CHECK_EQUAL(back.delta, 0);
}

TEST("grid: onsets are at least 0, durations at least 1, sums stay in range") {
    const int highest = std::numeric_limits<int>::max();
    const Note note = resampled({60, 90, -100, 1, 0}, 480, 12, false);
    CHECK_EQUAL(note.onset_ticks, 0);
    CHECK_EQUAL(note.duration_ticks, 1);
    CHECK_EQUAL(resampled({60, 90, highest, highest, 0}, 12, 480, false).onset_ticks, highest);
    CHECK_EQUAL(resampled({60, 90, highest, highest, highest}, 1, 480, true).onset_ticks, highest);
}

TEST("grid: resolutions are at least 1") {
    CHECK_THROWS(std::invalid_argument, "source resolution is 0", resampled({}, 0, 12, false));
    CHECK_THROWS(std::invalid_argument, "target resolution is -1", resampled({}, 12, -1, false));
}
