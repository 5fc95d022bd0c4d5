#include "planning/planner.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {
namespace {

void check(const SelectionMask& mask, const PlanOptions& options) {
    const auto fail = [](const std::string& what) { throw std::invalid_argument(what); };
    const auto at_least = [&](const char* name, int value, int least) {
        if (value < least) {
            fail(std::string(name) + " is " + std::to_string(value) + "; at least " +
                 std::to_string(least) + " is wanted");
        }
    };
    at_least("window_bars", options.window_bars, 1);
    at_least("bars_per_step", options.bars_per_step, 0);
    at_least("tracks_per_step", options.tracks_per_step, 0);
    at_least("min_overlap_bars", options.min_overlap_bars, 0);
    if (!(options.ar_overlap >= 0.0 && options.ar_overlap < 1.0)) {
        fail("ar_overlap is " + std::to_string(options.ar_overlap) + "; 0 <= ar_overlap < 1 is wanted");
    }
    const std::size_t tracks = mask.selected.size();
    if (mask.autoregressive.size() != tracks || mask.ignore.size() != tracks) {
        fail("autoregressive and ignore need one entry for each of the " +
             std::to_string(tracks) + " tracks of selected");
    }
    for (const auto& bars : mask.selected) {
        if (bars.size() != mask.selected.front().size()) {
            fail("selected: tracks differ in their number of bars");
        }
    }
}

class Planner {
public:
    Planner(const SelectionMask& mask, const PlanOptions& options)
        : mask_(mask),
          options_(options),
          window_(options.window_bars),
          bars_(mask.selected.empty() ? 0 : static_cast<int>(mask.selected.front().size())),
          last_start_(std::max(0, bars_ - window_)) {}

    std::vector<GenerationStep> plan() {
        for (int track : tracks(true)) plan_autoregressive(track);
        const std::vector<int> infilled = tracks(false);
        const auto count = static_cast<int>(infilled.size());
        const int group = options_.tracks_per_step > 0 ? options_.tracks_per_step : count;
        for (int first = 0; first < count; first += group) {
            const auto begin = infilled.begin() + first;
            plan_infill({begin, begin + std::min(group, count - first)});
        }
        return std::move(steps_);
    }

private:
    bool wanted(int track, int bar) const {
        return mask_.selected[static_cast<std::size_t>(track)][static_cast<std::size_t>(bar)];
    }

    // Tracks of one kind that have something to generate.
    std::vector<int> tracks(bool autoregressive) const {
        std::vector<int> out;
        for (std::size_t t = 0; t < mask_.selected.size(); ++t) {
            const auto& bars = mask_.selected[t];
            if (mask_.autoregressive[t] == autoregressive && !mask_.ignore[t] &&
                std::find(bars.begin(), bars.end(), true) != bars.end()) {
                out.push_back(static_cast<int>(t));
            }
        }
        return out;
    }

    GenerationStep& add_step(int start, bool autoregressive) {
        return steps_.emplace_back(
            GenerationStep{start, std::min(start + window_, bars_), autoregressive, {}});
    }

    int autoregressive_bars_per_step() const {
        if (options_.bars_per_step > 0) return std::min(options_.bars_per_step, window_);
        const int overlap = static_cast<int>(std::ceil(options_.ar_overlap * window_));
        return std::max(1, window_ - std::max(options_.min_overlap_bars, overlap));
    }

    void plan_autoregressive(int track) {
        for (int bar = 0; bar < bars_;) {
            if (!wanted(track, bar)) {
                ++bar;
                continue;
            }
            int end = bar;
            while (end < bars_ && wanted(track, end)) ++end;
            plan_run(track, bar, end);
            bar = end;
        }
    }

    // Writes the consecutive bars [next, end) of one track.
    void plan_run(int track, int next, int end) {
        const int history = window_ - autoregressive_bars_per_step();
        while (next < end) {
            const std::optional<int> last = last_window(next, end, history);
            const int start = last ? *last : sliding_window(next, end, history);
            GenerationStep& step = add_step(start, true);
            const int stop = std::min(end, step.end_bar);
            for (; next < stop; ++next) step.bars_to_generate.emplace(track, next);
        }
    }

    // The window that finishes the run at once, if it holds enough history.
    std::optional<int> last_window(int next, int end, int history) const {
        const int start = std::min(std::max(0, end - window_), last_start_);
        const int least = start == 0 ? 0 : std::min(history, options_.min_overlap_bars);
        const bool fits = end <= start + window_ && next - start >= least;
        return fits ? std::optional(start) : std::nullopt;
    }

    int sliding_window(int next, int end, int history) const {
        int start = std::max(0, next - history);
        if (start + window_ > end) start = std::max(0, end - window_);
        return std::min(start, last_start_);
    }

    void plan_infill(const std::vector<int>& group) {
        const int chunk = options_.bars_per_step > 0 ? std::min(options_.bars_per_step, window_)
                                                     : window_;
        const auto any_wanted = [&](int bar) {
            return std::ranges::any_of(group, [&](int track) { return wanted(track, bar); });
        };
        for (int first = 0; first < bars_; ++first) {
            if (!any_wanted(first)) continue;
            int end = std::min(first + chunk, bars_);
            while (!any_wanted(end - 1)) --end;
            add_infill_step(group, first, end);
            first = end - 1;
        }
    }

    // The bars [first, end) in the middle of the window.
    void add_infill_step(const std::vector<int>& group, int first, int end) {
        const int slack = first + end - window_;
        GenerationStep& step = add_step(std::min(std::max(0, slack) / 2, last_start_), false);
        for (int track : group) {
            for (int bar = first; bar < end; ++bar) {
                if (wanted(track, bar)) step.bars_to_generate.emplace(track, bar);
            }
        }
    }

    const SelectionMask& mask_;
    const PlanOptions& options_;
    int window_;
    int bars_;
    int last_start_;
    std::vector<GenerationStep> steps_;
};

}  // namespace

std::vector<GenerationStep> plan_steps(const SelectionMask& mask, const PlanOptions& options) {
    check(mask, options);
    return Planner(mask, options).plan();
}

}  // namespace midigpt
