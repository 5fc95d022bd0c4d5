#include "generation/loop.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace midigpt {
namespace {

// Tokens of one pass: enough to be worth the reading of the weights, few enough that others who write
// meanwhile do not stall.
constexpr int kRowsPerPass = 64;

}  // namespace

StepStatus Loop::run(int most) {
    Loop* const self = this;
    run_together({&self, 1}, most);
    return status();
}

void run_together(std::span<Loop* const> loops, int most, const std::atomic<bool>* interrupt) {
    std::vector<Loop*> running;
    std::vector<engine::Segment> segments;
    running.reserve(loops.size());
    segments.reserve(loops.size());
    const std::atomic<bool>* cancel = loops.size() == 1 ? loops.front()->cancel_ : nullptr;

    bool pauses = false;
    for (int pass = 0; pass < most && !pauses && !Loop::is_set(interrupt); ++pass) {
        running.clear();
        std::copy_if(loops.begin(), loops.end(), std::back_inserter(running), [](Loop* loop) { return loop->goes_on(); });
        if (running.empty()) return;
        // Those of one model stand together; the order within each group is kept.
        for (auto first = running.begin(); first != running.end();) {
            engine::Transformer& transformer = (*first)->transformer_;
            const auto last = std::stable_partition(first, running.end(), [&](const Loop* loop) {
                return &loop->transformer_ == &transformer;
            });
            segments.clear();
            int room = kRowsPerPass - static_cast<int>(last - first);
            engine::VocabularySlice slice = (*first)->rows();
            for (auto loop = first; loop != last; ++loop) {
                segments.push_back((*loop)->next_segment(std::max(room, 0) + 1));
                room -= static_cast<int>(segments.back().ids.size()) - 1;
                const engine::VocabularySlice rows = (*loop)->rows();
                slice = {std::min(slice.first, rows.first), std::max(slice.last, rows.last)};
            }
            if (!transformer.forward(segments, {&slice, 1}, cancel)) {
                loops.front()->goes_on();
                return;
            }
            for (; first != last; ++first) pauses |= (*first)->take_logits();
        }
    }
}

}  // namespace midigpt
