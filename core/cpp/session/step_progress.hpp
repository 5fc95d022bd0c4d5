// How far a step has come: the bar being written, the bars done and their notes, token by token.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "planning/planner.hpp"
#include "tokens/note_reader.hpp"

namespace midigpt {

struct GeneratedNote {
    BarCell cell;  // track and bar of the piece
    Note note;     // onset from the start of the bar; ticks of the model grid
};

class StepProgress {
public:
    // `prompt` holds the tokens before the first generated one.
    StepProgress(const Vocabulary& vocabulary, const GenerationStep& step, const Score& piece,
                 std::span<const int> prompt);

    void read(int id);

    // The bar being written: of an infill step one of its targets; of an autoregressive step any
    // bar from the one before its first target on.
    const BarCell& current() const { return current_; }
    int bars_done() const { return bars_done_; }
    bool all_done() const { return bars_done_ == static_cast<int>(targets_.size()); }

    // Of the step's targets, in the order of generation. They equal those of the decoded step.
    const std::vector<GeneratedNote>& notes() const { return notes_; }

private:
    void read_track_so_far(std::span<const int> prompt);
    void find_levels_before_fills(std::span<const int> prompt);
    void open_fill();
    bool is_target(const BarCell& cell) const;

    const Vocabulary* vocabulary_;
    NoteReader reader_;
    bool autoregressive_;
    std::vector<BarCell> targets_;  // ascending
    std::vector<TrackType> target_types_;
    // For each fill block the velocity level that its surroundings leave behind; none if no level
    // was set since the block before it.
    std::vector<std::optional<int>> levels_;
    std::size_t fills_opened_ = 0;
    BarCell current_;
    int bars_done_ = 0;
    std::vector<GeneratedNote> notes_;
};

}  // namespace midigpt
