#include "planning/planner.hpp"
#include "tests/check.hpp"

using namespace midigpt;

namespace {

std::vector<GenerationStep> plan_one_track(std::vector<bool> bars, bool autoregressive,
                                           const PlanOptions& options) {
    return plan_steps({{std::move(bars)}, {autoregressive}, {false}}, options);
}

}  // namespace

TEST("planner: an autoregressive track slides by what leaves half a window of history") {
    const auto steps = plan_one_track(std::vector<bool>(8, true), true, {.window_bars = 4});
    CHECK_EQUAL(steps.size(), std::size_t{3});
    CHECK_EQUAL(steps[0].bars_to_generate, std::set<BarCell>{{0, 0}, {0, 1}, {0, 2}, {0, 3}});
    CHECK_EQUAL(steps[1].start_bar, 2);
    CHECK_EQUAL(steps[1].bars_to_generate, std::set<BarCell>{{0, 4}, {0, 5}});
    CHECK_EQUAL(steps[2].end_bar, 8);
}

TEST("planner: infilled bars sit in the middle of their window") {
    const auto steps = plan_one_track({0, 0, 0, 1, 0, 0, 0, 1}, false, {.window_bars = 4});
    CHECK_EQUAL(steps.size(), std::size_t{2});
    CHECK_EQUAL(steps[0].start_bar, 1);
    CHECK_EQUAL(steps[1].start_bar, 4);  // as late as the piece allows
}

TEST("planner: a piece shorter than the window is one window") {
    const auto steps = plan_one_track({1, 1}, false, {.window_bars = 8});
    CHECK_EQUAL(steps.size(), std::size_t{1});
    CHECK_EQUAL(steps[0].start_bar, 0);
    CHECK_EQUAL(steps[0].end_bar, 2);
}

TEST("planner: nothing selected, nothing planned; bad options are errors") {
    CHECK(plan_steps({}, {}).empty());
    CHECK(plan_one_track({0, 0}, true, {}).empty());
    CHECK_THROWS(std::invalid_argument, "window_bars", plan_steps({}, {.window_bars = 0}));
    CHECK_THROWS(std::invalid_argument, "one entry", plan_steps({{{true}}, {}, {}}, {}));
}
