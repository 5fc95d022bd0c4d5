// Writes several pieces of events after one prompt, all in one pass over the weights for each token,
// without leaving compiled code. Only the rows of the head that the slot allows are computed.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/transformer.hpp"
#include "events/event_grammar.hpp"
#include "generation/slice_sampler.hpp"

namespace midigpt {

class EventLoop {
public:
    struct Settings {
        int first_id = 0;    // of the model, for event id 0
        int most_ids = 0;    // in a piece
        int end = events::kTimes;  // ticks: an event from here on ends the piece and is left out
        std::vector<float> note_bias;  // added to the logits of the notes; empty or kNotes of them
    };

    // `sequences` hold the prompt and `logits` (vocab_size) are those after it; one sampler for each.
    // `before` are event ids that the prompt ends with. Transformer and sequences must outlive the loop.
    // Throws std::invalid_argument when sizes do not fit the model, or an id before is not legal.
    EventLoop(engine::Transformer& transformer, std::vector<engine::Sequence*> sequences,
              std::vector<SliceSampler> samplers, std::span<const float> logits,
              std::span<const std::int32_t> before, const Settings& settings);

    // Writes up to `most` ids in each piece. True while a piece is unfinished; `cancel` (may be null) is
    // looked at before each id and pauses.
    bool run(int most, const std::atomic<bool>* cancel);

    int pieces() const { return static_cast<int>(pieces_.size()); }
    std::span<const std::int32_t> ids(int piece) const { return pieces_[piece].ids; }
    int time(int piece) const { return pieces_[piece].grammar.time(); }  // ticks, of the latest event
    bool finished(int piece) const { return pieces_[piece].finished; }

private:
    struct Piece {
        engine::Sequence* sequence;
        SliceSampler sampler;
        events::EventGrammar grammar;
        std::vector<float> logits;
        std::vector<std::int32_t> ids;
        std::int32_t last = 0;  // newest id, as the model has it
        bool finished = false;
    };

    void draw(Piece& piece);
    bool read_last(const std::atomic<bool>* cancel);

    engine::Transformer& transformer_;
    Settings settings_;
    std::vector<Piece> pieces_;
    std::vector<engine::Segment> segments_;
    bool last_is_read_ = true;
};

}  // namespace midigpt
