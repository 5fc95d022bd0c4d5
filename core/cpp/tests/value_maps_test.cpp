#include "tests/check.hpp"
#include "tokens/value_maps.hpp"

using namespace midigpt;

TEST("velocity: 32 levels decode to the second member of each bin") {
    const VelocityBins bins(32);
    const std::vector<int> expected = {100, 2,  6,  10, 14, 18, 22, 26,  30,  35,  39,
                                       43,  47, 51, 55, 59, 63, 68, 72,  76,  80,  84,
                                       88,  92, 96, 101, 105, 109, 113, 117, 121, 125};
    for (int level = 0; level < 32; ++level) {
        CHECK_EQUAL(bins.velocity(level), expected[static_cast<std::size_t>(level)]);
    }
    CHECK_EQUAL(bins.level(0), 0);
    CHECK_EQUAL(bins.level(1), 1);
    CHECK_EQUAL(bins.level(100), 25);
    CHECK_EQUAL(bins.level(127), 31);
    CHECK_EQUAL(bins.level(500), 31);
}

TEST("velocity: 128 levels are the identity") {
    const VelocityBins bins(128);
    for (int velocity = 1; velocity <= 127; ++velocity) {
        CHECK_EQUAL(bins.velocity(bins.level(velocity)), velocity);
    }
}

TEST("velocity: a bin without members decodes to 0, a level outside to 100") {
    CHECK_EQUAL(VelocityBins(200).velocity(199), 127);
    CHECK_EQUAL(VelocityBins(200).velocity(2), 1);
    CHECK_EQUAL(VelocityBins(200).velocity(1), 0);
    CHECK_EQUAL(VelocityBins(32).velocity(32), 100);
    CHECK_EQUAL(VelocityBins(32).velocity(-1), 100);
    CHECK_THROWS(std::invalid_argument, "velocity_levels is 1", VelocityBins(1));
}

TEST("instruments: a group's first program stands for it, groups rank by it") {
    const InstrumentGroups groups({{48, 49}, {0, 1, 2}});
    CHECK_EQUAL(groups.size(), 125);
    CHECK_EQUAL(groups.group(0), 0);
    CHECK_EQUAL(groups.group(2), 0);
    CHECK_EQUAL(groups.group(3), 1);
    CHECK_EQUAL(groups.group(49), groups.group(48));
    CHECK_EQUAL(groups.representative(groups.group(49)), 48);
    CHECK_EQUAL(groups.group(-1), 0);
    CHECK_EQUAL(groups.group(128), 0);
    CHECK_EQUAL(groups.representative(125), 0);
}

TEST("instruments: a later group overrides an earlier one") {
    const InstrumentGroups groups({{10, 11}, {20, 11}});
    CHECK_EQUAL(groups.representative(groups.group(11)), 20);
}
