#include "session/step_progress.hpp"

#include <algorithm>

namespace midigpt {

StepProgress::StepProgress(const Vocabulary& vocabulary, const GenerationStep& step,
                           const Score& piece, std::span<const int> prompt)
    : vocabulary_(&vocabulary),
      reader_(vocabulary),
      autoregressive_(step.is_autoregressive),
      targets_(step.bars_to_generate.begin(), step.bars_to_generate.end()),
      current_(targets_.at(0)) {
    for (const auto& [track, bar] : targets_) {
        target_types_.push_back(piece.tracks.at(static_cast<std::size_t>(track)).type);
    }
    // Notes are collected without allocation in all but the busiest steps.
    notes_.reserve(256 * targets_.size());
    if (autoregressive_) {
        --current_.second;
        read_track_so_far(prompt);
    } else {
        find_levels_before_fills(prompt);
        open_fill();
    }
}

void StepProgress::read(int id) {
    const TokenType type = vocabulary_->type(id);
    if (autoregressive_ && type == TokenType::Bar) {
        ++current_.second;
        reader_.begin_bar();
    }
    if (!autoregressive_ && type == TokenType::FillInStart) open_fill();
    const auto end = autoregressive_ ? TokenType::BarEnd : TokenType::FillInEnd;
    if (type == end && is_target(current_)) ++bars_done_;
    const auto note = reader_.read(type, vocabulary_->value(id));
    if (note && is_target(current_)) notes_.push_back({current_, *note});
}

// An autoregressive step goes on with the velocity that its track has reached.
void StepProgress::read_track_so_far(std::span<const int> prompt) {
    for (int id : prompt) {
        const TokenType type = vocabulary_->type(id);
        const int value = vocabulary_->value(id);
        if (type == TokenType::Track) reader_.begin_track(static_cast<TrackType>(value));
        reader_.read(type, value);
    }
}

void StepProgress::find_levels_before_fills(std::span<const int> prompt) {
    std::optional<int> level;
    for (int id : prompt) {
        const TokenType type = vocabulary_->type(id);
        if (type == TokenType::Track) level = 0;
        if (type == TokenType::VelocityLevel) level = vocabulary_->value(id);
        if (type == TokenType::FillInPlaceholder) {
            levels_.push_back(level);
            level.reset();
        }
    }
}

void StepProgress::open_fill() {
    const std::size_t fill = fills_opened_++;
    if (fill >= targets_.size()) return;
    current_ = targets_[fill];
    const int level_so_far = reader_.velocity_level();
    reader_.begin_track(target_types_[fill]);
    reader_.set_velocity_level(fill < levels_.size() ? levels_[fill].value_or(level_so_far) : 0);
}

bool StepProgress::is_target(const BarCell& cell) const {
    return std::binary_search(targets_.begin(), targets_.end(), cell);
}

}  // namespace midigpt
