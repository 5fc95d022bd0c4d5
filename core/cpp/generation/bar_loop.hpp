// Writes one bar of an agent's part after the events that have been played, in compiled code.
//
// The time of an event answers when anybody of the band plays next; whose note it is comes two ids
// later. So an agent must not simply be forced to own every event. Imagine (M1) writes the whole band
// and plays the agent's notes only; Thin (M2) draws a time, asks how likely the note there is the
// agent's, and otherwise goes on to later times.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "events/event.hpp"
#include "events/event_grammar.hpp"
#include "generation/loop.hpp"
#include "generation/slice_sampler.hpp"

namespace midigpt {

enum class DensityMethod { Imagine, Thin };

class BarLoop final : public Loop {
public:
    struct Settings {
        int first_id = 0;              // of the model, for event id 0
        int begin = 0;                 // ticks: the first time that may be written
        int end = 0;                   // ticks: a time from here on ends the bar
        int instrument = 0;            // of the agent
        std::vector<int> band;         // the other instruments that may be imagined
        int lowest = 0, highest = 127;  // pitches of the agent
        DensityMethod method = DensityMethod::Imagine;
        // Notes wanted of the agent, in this bar and in some bars before it, and how many it played in
        // those: while it is behind, its notes are let in more often. 0 and 0: as the model would.
        float wanted = 0.0f, wanted_before = 0.0f;
        int played_before = 0;
        int most_notes = 64;   // of the agent
        int budget = 600;      // most ids drawn
        std::uint32_t seed = 0;
        Pause pause = Pause::Never;
        const std::atomic<bool>* cancel = nullptr;
    };

    // `prompt` is text, mode token and events up to `begin`, as ids of the model. `sequence` is cut back
    // to what it shares with it; only the rest is read. With a budget of 0 nothing else is done.
    // Transformer, sequence and flag must outlive the loop. Throws std::invalid_argument.
    BarLoop(engine::Transformer& transformer, engine::Sequence& sequence, const SliceRules& rules,
            std::vector<std::int32_t> prompt, Settings settings);

    StepStatus status() const override { return status_; }
    int prompt_left() const override { return static_cast<int>(prompt_.size()) - read_; }
    std::span<const events::Event> notes() const { return notes_; }  // of the agent, in order of time
    int drawn() const { return drawn_; }                             // ids, those given up too

private:
    bool goes_on() override;
    engine::Segment next_segment(int room) override;
    engine::VocabularySlice rows() const override;
    bool take_logits() override;

    void check() const;
    bool draw_time();
    bool draw_duration();
    bool draw_note();
    bool accepts(std::span<const float> logits);
    double pace() const;
    void give_up_event();
    void find_own();
    int draw(std::span<const events::IdRange> ranges);
    std::span<const float> event_logits() const;
    bool finish(StepStatus status);

    engine::Sequence& sequence_;
    SliceSampler sampler_;
    std::vector<std::int32_t> prompt_;
    Settings settings_;
    std::mt19937 twister_;
    StepStatus status_ = StepStatus::Running;
    int read_ = 0;
    int reading_ = 0;
    int slot_ = 0;
    int drawn_ = 0;
    int now_ = 0;  // ticks: no event may be earlier
    events::Event event_;
    std::int32_t last_ = 0;     // newest id, as the model has it
    int event_start_ = 0;       // length of the sequence before the event under way
    std::vector<float> logits_;
    std::vector<float> time_logits_;  // of the event under way
    std::vector<events::IdRange> own_;
    std::vector<events::IdRange> band_;
    std::vector<events::IdRange> legal_;
    std::vector<events::Event> notes_;
};

}  // namespace midigpt
