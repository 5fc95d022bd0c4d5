// Which bars are generated in which window of the piece.
//
// A model sees a few bars at a time, so a request becomes a list of steps. Autoregressive tracks are
// written left to right, one track after the other, each step with some bars of history; then the
// infilled bars follow, several tracks together, with context on both sides.
#pragma once

#include <set>
#include <utility>
#include <vector>

namespace midigpt {

using BarCell = std::pair<int, int>;  // track, bar; both count from 0 in the whole piece

// One window [start_bar, end_bar) of the piece and the bars to write in it.
struct GenerationStep {
    int start_bar = 0;
    int end_bar = 0;
    bool is_autoregressive = false;
    std::set<BarCell> bars_to_generate;
};

// What is wanted, per track; all tracks have the same number of bars.
struct SelectionMask {
    std::vector<std::vector<bool>> selected;  // [track][bar]
    std::vector<bool> autoregressive;         // [track]
    std::vector<bool> ignore;                 // [track]; nothing is generated there
};

struct PlanOptions {
    int window_bars = 4;       // bars the model sees at once, at least 1
    int bars_per_step = 0;     // 0: chosen by the planner; capped at the window
    int tracks_per_step = 0;   // infill; 0: all together
    double ar_overlap = 0.5;   // share of an autoregressive window that is history, in [0, 1)
    int min_overlap_bars = 2;  // history an autoregressive window has at least, if there is any
};

// Every selected bar of a track that is not ignored occurs in exactly one step: autoregressive
// tracks first, in track order, then infill. Throws std::invalid_argument naming a bad option.
std::vector<GenerationStep> plan_steps(const SelectionMask& mask, const PlanOptions& options);

}  // namespace midigpt
