#include "generation/bar_loop.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {
namespace {

using namespace events;

constexpr int kEventIds = kControlOffset;  // a writer needs no others
constexpr double kGain = 4;                 // of the pace

void require(bool holds, const char* name, double value, const std::string& range) {
    if (!holds) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) + ", must be " + range);
    }
}

IdRange notes_of(int instrument) {
    const int first = kNoteOffset + instrument * kPitches;
    return {first, first + kPitches};
}

double mass(std::span<const float> logits, std::span<const IdRange> ranges, float largest) {
    double total = 0;
    for (const auto& range : ranges) {
        for (int id = range.first; id < range.last; ++id) total += std::exp(logits[id] - largest);
    }
    return total;
}

}  // namespace

BarLoop::BarLoop(engine::Transformer& transformer, engine::Sequence& sequence, const SliceRules& rules,
                 std::vector<std::int32_t> prompt, Settings settings)
    : Loop(transformer, settings.cancel),
      sequence_(sequence),
      sampler_(rules, settings.seed),
      prompt_(std::move(prompt)),
      settings_(std::move(settings)),
      twister_(settings_.seed + 1),
      now_(settings_.begin),
      logits_(static_cast<std::size_t>(transformer.shape().vocab_size)) {
    check();
    for (const int instrument : settings_.band) {
        if (instrument != settings_.instrument) band_.push_back(notes_of(instrument));
    }
    own_.reserve(kPitches);
    legal_.reserve(kPitches + band_.size() + 1);
    notes_.reserve(static_cast<std::size_t>(settings_.most_notes));
    time_logits_.reserve(kTimes);
    const int shared = sequence_.shared_prefix(prompt_, {}, {});
    read_ = std::min(shared, static_cast<int>(prompt_.size()) - 1);
    sequence_.cut(read_);
}

void BarLoop::check() const {
    const int vocab_size = transformer_.shape().vocab_size;
    const auto& s = settings_;
    require(s.first_id >= 0 && s.first_id <= vocab_size - kEventIds, "first_id", s.first_id, "below the event ids");
    require(s.begin >= 0 && s.begin < s.end, "begin", s.begin, "at least 0 and below end");
    require(s.end <= kTimes, "end", s.end, "at most " + std::to_string(kTimes));
    require(s.instrument >= 0 && s.instrument < kInstruments, "instrument", s.instrument, "in 0..128");
    for (const int instrument : s.band) require(instrument >= 0 && instrument < kInstruments, "band", instrument, "in 0..128");
    require(s.lowest >= 0 && s.lowest <= s.highest, "lowest", s.lowest, "in 0..highest");
    require(s.highest < kPitches, "highest", s.highest, "at most 127");
    require(s.wanted >= 0 && std::isfinite(s.wanted), "wanted", s.wanted, "at least 0");
    require(s.wanted_before >= 0 && std::isfinite(s.wanted_before), "wanted_before", s.wanted_before, "at least 0");
    require(s.played_before >= 0, "played_before", s.played_before, "at least 0");
    require(s.most_notes >= 0, "most_notes", s.most_notes, "at least 0");
    require(s.budget >= 0, "budget", s.budget, "at least 0");
    require(!prompt_.empty() && static_cast<int>(prompt_.size()) <= sequence_.capacity(), "length of the prompt",
            static_cast<double>(prompt_.size()), "in 1.." + std::to_string(sequence_.capacity()));
}

bool BarLoop::goes_on() {
    if (status_ != StepStatus::Running && status_ != StepStatus::Cancelled) return false;
    const bool is_read = prompt_left() == 0;
    const bool is_full = is_read && (drawn_ >= settings_.budget || sequence_.length() >= sequence_.capacity());
    status_ = is_full ? StepStatus::Full : is_set(cancel_) ? StepStatus::Cancelled : StepStatus::Running;
    return status_ == StepStatus::Running;
}

engine::Segment BarLoop::next_segment(int room) {
    engine::Segment segment;
    segment.sequence = &sequence_;
    reading_ = std::min(prompt_left(), room);
    segment.ids = reading_ > 0 ? std::span<const std::int32_t>(prompt_).subspan(read_, reading_)
                               : std::span<const std::int32_t>(&last_, 1);
    if (reading_ == prompt_left()) segment.logits = logits_.data();
    return segment;
}

engine::VocabularySlice BarLoop::rows() const {
    static constexpr int kSlots[] = {0, kDurationOffset, kNoteOffset, kEventIds};
    return {settings_.first_id + kSlots[slot_], settings_.first_id + kSlots[slot_ + 1]};
}

std::span<const float> BarLoop::event_logits() const {
    return std::span<const float>(logits_).subspan(settings_.first_id, kEventIds);
}

bool BarLoop::take_logits() {
    read_ += reading_;
    if (prompt_left() > 0) return settings_.pause == Pause::AtToken;
    if (settings_.budget == 0) return finish(StepStatus::Full);
    const std::size_t before = notes_.size();
    if (slot_ == 0) {
        const auto times = event_logits().first(kTimes);
        time_logits_.assign(times.begin(), times.end());
        event_start_ = sequence_.length();
    }
    const bool ended = slot_ == 0 ? draw_time() : slot_ == 1 ? draw_duration() : draw_note();
    if (ended) return true;
    const bool pauses = settings_.pause == Pause::AtToken ||
                        (settings_.pause == Pause::AtNews && notes_.size() != before);
    return !goes_on() || pauses;
}

// Each returns whether the bar has ended.
bool BarLoop::draw_time() {
    ++drawn_;
    const IdRange later{now_, kTimes};
    const int time = sampler_.draw(time_logits_, {&later, 1});
    if (time == SliceSampler::kNone || time >= settings_.end) return finish(StepStatus::Complete);
    event_ = {time, 0, 0};
    last_ = settings_.first_id + time;
    slot_ = 1;
    return false;
}

bool BarLoop::draw_duration() {
    const IdRange all{kDurationOffset, kNoteOffset};
    event_.duration = draw({&all, 1}) - kDurationOffset;
    slot_ = 2;
    return false;
}

bool BarLoop::draw_note() {
    find_own();
    if (settings_.method == DensityMethod::Thin && (own_.empty() || !accepts(event_logits()))) {
        give_up_event();
        return draw_time();
    }
    legal_.assign(own_.begin(), own_.end());
    if (settings_.method == DensityMethod::Imagine) {
        legal_.insert(legal_.end(), band_.begin(), band_.end());
        if (event_.duration == 0) legal_.push_back({kRest, kRest + 1});
    }
    if (legal_.empty()) {
        give_up_event();
        return draw_time();
    }
    event_.note = draw(legal_) - kNoteOffset;
    slot_ = 0;
    now_ = event_.time;
    if (event_.is_rest() || event_.instrument() != settings_.instrument) return false;
    notes_.push_back(event_);
    return static_cast<int>(notes_.size()) >= settings_.most_notes && finish(StepStatus::Complete);
}

// Whether the note at the time drawn is the agent's.
bool BarLoop::accepts(std::span<const float> logits) {
    const IdRange rest{kRest, kRest + (event_.duration == 0 ? 1 : 0)};
    float largest = logits[own_.front().first];
    for (const auto& range : own_) {
        largest = std::max(largest, *std::max_element(&logits[range.first], &logits[range.last - 1] + 1));
    }
    const double own = mass(logits, own_, largest);
    const double others = mass(logits, band_, largest) + mass(logits, {&rest, 1}, largest);
    const double probability = std::isfinite(others) ? pace() * own / (own + others) : 0.0;
    return std::generate_canonical<double, 53>(twister_) < probability;
}

// How far the agent is behind what is wanted up to the time drawn, in standard deviations of a count. A model
// that has not heard an instrument for a while does not expect it at all, so the factor grows as their
// exponential, which lets an agent begin and come back.
double BarLoop::pace() const {
    const double total = settings_.wanted + settings_.wanted_before;
    if (total == 0) return 1.0;
    const double share = static_cast<double>(event_.time - settings_.begin + 1) / (settings_.end - settings_.begin);
    const double due = settings_.wanted_before + share * settings_.wanted;
    const double behind = due - settings_.played_before - static_cast<double>(notes_.size());
    return std::exp(kGain * behind / std::sqrt(due + 1));
}

// Back to before the time, from a tick later on.
void BarLoop::give_up_event() {
    sequence_.cut(event_start_);
    now_ = event_.time + 1;
    slot_ = 0;
}

// The agent's notes, less those that sound at this time already.
void BarLoop::find_own() {
    own_.clear();
    const int first = kNoteOffset + settings_.instrument * kPitches;
    IdRange range{first + settings_.lowest, first + settings_.lowest};
    for (int pitch = settings_.lowest; pitch <= settings_.highest; ++pitch) {
        const bool taken = std::any_of(notes_.rbegin(), notes_.rend(), [&](const Event& note) {
            return note.time == event_.time && note.pitch() == pitch;
        });
        if (!taken) {
            range.last = first + pitch + 1;
            continue;
        }
        if (range.first < range.last) own_.push_back(range);
        range = {first + pitch + 1, first + pitch + 1};
    }
    if (range.first < range.last) own_.push_back(range);
}

int BarLoop::draw(std::span<const IdRange> ranges) {
    ++drawn_;
    const int id = sampler_.draw(event_logits(), ranges);
    last_ = settings_.first_id + id;
    return id;
}

bool BarLoop::finish(StepStatus status) {
    status_ = status;
    return true;
}

}  // namespace midigpt
