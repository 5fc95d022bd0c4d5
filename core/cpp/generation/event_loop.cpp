#include "generation/event_loop.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {
namespace {

constexpr int kEventIds = events::kControlOffset;  // a writer needs no others
constexpr int kNoteSlot = 2;

}  // namespace

EventLoop::EventLoop(engine::Transformer& transformer, std::vector<engine::Sequence*> sequences,
                     std::vector<SliceSampler> samplers, std::span<const float> logits,
                     std::span<const std::int32_t> before, const Settings& settings)
    : transformer_(transformer), settings_(settings) {
    if (!settings.note_bias.empty() && settings.note_bias.size() != events::kNotes) {
        throw std::invalid_argument("note_bias has " + std::to_string(settings.note_bias.size()) + " values, not " +
                                    std::to_string(events::kNotes));
    }
    const int vocab_size = transformer.shape().vocab_size;
    if (sequences.empty() || sequences.size() != samplers.size()) {
        throw std::invalid_argument("sequences and samplers must be of one length, at least 1");
    }
    if (settings.first_id < 0 || settings.first_id > vocab_size - kEventIds) {
        throw std::invalid_argument("first_id is " + std::to_string(settings.first_id) + "; the model has " +
                                    std::to_string(vocab_size) + " ids, which leaves no room for the events");
    }
    if (logits.size() != static_cast<std::size_t>(vocab_size)) throw std::invalid_argument("logits has the wrong size");
    events::EventGrammar grammar;
    for (const std::int32_t id : before) grammar.advance(id);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        const int room = sequences[i]->capacity() - sequences[i]->length() + 1;  // the last id is not read
        if (settings.most_ids < 1 || settings.most_ids > room) {
            throw std::invalid_argument("most_ids is " + std::to_string(settings.most_ids) + ", must be in 1.." +
                                        std::to_string(room));
        }
        pieces_.push_back({sequences[i], std::move(samplers[i]), grammar, {logits.begin(), logits.end()}, {}});
        pieces_.back().ids.reserve(static_cast<std::size_t>(settings.most_ids));
    }
    segments_.reserve(pieces_.size());
}

bool EventLoop::run(int most, const std::atomic<bool>* cancel) {
    for (int written = 0;; ++written) {
        if (std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& p) { return p.finished; })) return false;
        if (written == most || (cancel != nullptr && cancel->load(std::memory_order_relaxed))) return true;
        if (!read_last(cancel)) return true;
        for (Piece& piece : pieces_) {
            if (!piece.finished) draw(piece);
        }
        last_is_read_ = false;
    }
}

void EventLoop::draw(Piece& piece) {
    const std::span<float> logits = std::span<float>(piece.logits).subspan(settings_.first_id, kEventIds);
    if (piece.grammar.slot() == kNoteSlot) {
        const auto notes = logits.subspan(events::kNoteOffset);
        std::transform(settings_.note_bias.begin(), settings_.note_bias.end(), notes.begin(), notes.begin(), std::plus<>());
    }
    const int id = piece.sampler.draw(logits, piece.grammar.legal());
    if (id == SliceSampler::kNone || (piece.grammar.slot() == 0 && id >= settings_.end)) {
        piece.finished = true;
        return;
    }
    piece.grammar.advance(id);
    piece.ids.push_back(id);
    piece.last = id + settings_.first_id;
    piece.finished = static_cast<int>(piece.ids.size()) >= settings_.most_ids;
}

// All unfinished pieces are as long as each other, so one slice of the head serves them.
bool EventLoop::read_last(const std::atomic<bool>* cancel) {
    if (last_is_read_) return true;
    segments_.clear();
    engine::VocabularySlice slice{transformer_.shape().vocab_size, 0};
    for (Piece& piece : pieces_) {
        if (piece.finished) continue;
        engine::Segment segment;
        segment.sequence = piece.sequence;
        segment.ids = {&piece.last, 1};
        segment.logits = piece.logits.data();
        segments_.push_back(segment);
        for (const auto& range : piece.grammar.legal()) {
            slice.first = std::min(slice.first, settings_.first_id + range.first);
            slice.last = std::max(slice.last, settings_.first_id + range.last);
        }
    }
    if (slice.first >= slice.last) slice = {0, 1};  // nothing is legal: no logits are looked at
    last_is_read_ = transformer_.forward(segments_, {&slice, 1}, cancel);
    return last_is_read_;
}

}  // namespace midigpt
