#include "generation/step_loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {
StepLoop::StepLoop(engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
                   TokenSampler sampler, Prompt prompt, Settings settings)
    : Loop(transformer, settings.cancel),
      sequence_(sequence),
      state_(state),
      sampler_(std::move(sampler)),
      prompt_(std::move(prompt)),
      settings_(std::move(settings)),
      logits_(static_cast<std::size_t>(transformer.shape().vocab_size)),
      allowed_(logits_.size()) {
    check(logits_.size());
    tokens_.reserve(static_cast<std::size_t>(std::max(settings_.budget, 0)));
    const int shared = sequence_.shared_prefix(prompt_.ids, prompt_.positions, prompt_.shown);
    read_ = std::min(shared, static_cast<int>(prompt_.ids.size()) - 1);
    sequence_.cut(read_);
}

void StepLoop::check(std::size_t vocab_size) const {
    const auto fits = [&](const std::vector<std::uint8_t>& flags) { return flags.size() == vocab_size; };
    const auto& meter = settings_.meter;
    if (static_cast<std::size_t>(sampler_.vocab_size()) != vocab_size || state_.allowed().size() != vocab_size ||
        (!settings_.permitted.empty() && !fits(settings_.permitted)) ||
        (meter && (!fits(meter->signatures) || !fits(meter->content)))) {
        throw std::invalid_argument("model, step and masks must have one vocabulary size");
    }
    if (meter && (meter->signature_id < 0 || static_cast<std::size_t>(meter->signature_id) >= vocab_size)) {
        throw std::invalid_argument("signature_id is " + std::to_string(meter->signature_id) +
                                    ", must be a token id");
    }
    const std::size_t length = prompt_.ids.size();
    if (length == 0 || prompt_.positions.size() != length ||
        (!prompt_.shown.empty() && prompt_.shown.size() != length)) {
        throw std::invalid_argument("a prompt has at least one id, and one position and flag for each");
    }
}

bool StepLoop::goes_on() {
    if (status_ == StepStatus::NoLegalToken) return false;
    const bool is_full = prompt_left() == 0 && static_cast<int>(tokens_.size()) >= settings_.budget;
    status_ = state_.complete()             ? StepStatus::Complete
              : is_full                     ? StepStatus::Full
              : is_set(cancel_)    ? StepStatus::Cancelled
                                            : StepStatus::Running;
    return status_ == StepStatus::Running;
}

engine::Segment StepLoop::next_segment(int room) {
    engine::Segment segment;
    segment.sequence = &sequence_;
    reading_ = std::min(prompt_left(), room);
    if (reading_ > 0) {
        const auto part = [&](const auto& all) { return std::span(all).subspan(read_, reading_); };
        segment.ids = part(prompt_.ids);
        segment.positions = part(prompt_.positions);
        if (!prompt_.shown.empty()) segment.shown = part(prompt_.shown);
    } else {
        position_ = settings_.first_position + static_cast<std::int32_t>(tokens_.size()) - 1;
        segment.ids = std::span(tokens_).last(1);
        segment.positions = {&position_, 1};
    }
    if (reading_ == prompt_left()) segment.logits = logits_.data();
    return segment;
}

bool StepLoop::take_logits() {
    read_ += reading_;
    if (prompt_left() > 0) return settings_.pause == Pause::AtToken;
    if (static_cast<int>(tokens_.size()) >= settings_.budget || state_.complete()) return !goes_on();
    const int id = choose();
    if (id == TokenSampler::kNone) {
        status_ = StepStatus::NoLegalToken;
        return true;
    }
    const auto news = [&] { return state_.progress().notes().size() + state_.progress().bars_done(); };
    const std::size_t before = news();
    state_.advance(id);
    if (settings_.meter && id == settings_.meter->bar_id) bar_waits_ = true;
    if (settings_.meter && settings_.meter->signatures[id] != 0) bar_waits_ = false;
    tokens_.push_back(id);
    const bool pauses = settings_.pause == Pause::AtToken || (settings_.pause == Pause::AtNews && news() != before);
    return !goes_on() || pauses;
}

int StepLoop::choose() {
    const auto allowed = state_.allowed();
    for (std::size_t id = 0; id < allowed_.size(); ++id) {
        allowed_[id] = allowed[id] != 0 && (settings_.permitted.empty() || settings_.permitted[id] != 0);
    }
    if (settings_.meter) keep_meter();
    state_.bias(logits_);
    return sampler_.draw(logits_, allowed_);
}

void StepLoop::keep_meter() {
    const MeterRule& meter = *settings_.meter;
    if (allowed_[meter.signature_id] == 0) return;
    for (std::size_t id = 0; id < allowed_.size(); ++id) {
        if (meter.signatures[id] != 0 || (bar_waits_ && meter.content[id] != 0)) allowed_[id] = 0;
    }
    allowed_[meter.signature_id] = 1;
}

}  // namespace midigpt
