#include <cmath>
#include <limits>
#include <vector>

#include "generation/slice_sampler.hpp"
#include "tests/check.hpp"

using namespace midigpt;
using events::IdRange;

namespace {

std::vector<int> counts(const SliceRules& rules, const std::vector<float>& logits, const std::vector<IdRange>& ranges) {
    SliceSampler sampler(rules, 7);
    std::vector<int> drawn(logits.size());
    for (int i = 0; i < 10000; ++i) ++drawn[sampler.draw(logits, ranges)];
    return drawn;
}

}  // namespace

TEST("slice sampler: draws from the ranges alone, in proportion") {
    const std::vector<float> logits{9.0f, std::log(1.0f), std::log(3.0f), 9.0f, std::log(4.0f)};
    const auto drawn = counts({}, logits, {{1, 3}, {4, 5}});
    CHECK(drawn[0] == 0 && drawn[3] == 0);
    CHECK(std::abs(drawn[1] - 1250) < 150 && std::abs(drawn[2] - 3750) < 250 && std::abs(drawn[4] - 5000) < 250);
}

TEST("slice sampler: top_p keeps the fewest that reach the share, over many candidates") {
    std::vector<float> logits(20000, 0.0f);
    for (int i = 0; i < 10; ++i) logits[100 + i] = std::log(20000.0f);  // ten hold ten elevenths
    const auto drawn = counts({1.0f, 0, 0.9f}, logits, {{0, 20000}});
    int inside = 0;
    for (int i = 0; i < 10; ++i) inside += drawn[100 + i];
    CHECK_EQUAL(inside, 10000);
    CHECK_EQUAL(counts({1.0f, 1, 1.0f}, logits, {{0, 20000}})[100], 10000);  // of equal ones the first
}

TEST("slice sampler: nothing, one thing, and numbers that are none") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    SliceSampler sampler({}, 0);
    CHECK_EQUAL(sampler.draw(std::vector<float>{1.0f}, {}), SliceSampler::kNone);
    const std::vector<IdRange> all{{0, 3}};
    CHECK_EQUAL(sampler.draw(std::vector<float>{-infinity, 0.0f, -infinity}, all), 1);
    for (const auto& odd : {std::vector<float>{nan, nan, nan}, std::vector<float>{infinity, 0.0f, infinity},
                            std::vector<float>{-infinity, -infinity, -infinity}}) {
        const int id = sampler.draw(odd, all);
        CHECK(id >= 0 && id < 3);
    }
    CHECK_THROWS(std::invalid_argument, "exceeds the 2 logits", sampler.draw(std::vector<float>{1.0f, 2.0f}, all));
    CHECK_THROWS(std::invalid_argument, "temperature", SliceSampler({-1.0f, 0, 1.0f}, 0));
    CHECK_THROWS(std::invalid_argument, "top_p", SliceSampler({1.0f, 0, 1.5f}, 0));
}
