#include "generation/step_loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace midigpt {

StepLoop::StepLoop(engine::Transformer& transformer, engine::Sequence& sequence, SessionState& state,
                   TokenSampler sampler, std::span<const float> logits, Settings settings)
    : transformer_(transformer),
      sequence_(sequence),
      state_(state),
      sampler_(std::move(sampler)),
      settings_(std::move(settings)),
      logits_(logits.begin(), logits.end()),
      allowed_(logits.size()) {
    check(static_cast<std::size_t>(transformer.shape().vocab_size));
    tokens_.reserve(static_cast<std::size_t>(std::max(settings_.budget, 0)));
}

void StepLoop::check(std::size_t vocab_size) {
    const auto fits = [&](const std::vector<std::uint8_t>& flags) { return flags.size() == vocab_size; };
    const auto& meter = settings_.meter;
    if (logits_.size() != vocab_size || static_cast<std::size_t>(sampler_.vocab_size()) != vocab_size ||
        state_.allowed().size() != vocab_size ||
        (!settings_.permitted.empty() && !fits(settings_.permitted)) ||
        (meter && (!fits(meter->signatures) || !fits(meter->content)))) {
        throw std::invalid_argument("model, step, logits and masks must have one vocabulary size");
    }
    if (meter && (meter->signature_id < 0 || static_cast<std::size_t>(meter->signature_id) >= vocab_size)) {
        throw std::invalid_argument("signature_id is " + std::to_string(meter->signature_id) +
                                    ", must be a token id");
    }
}

StepStatus StepLoop::run(int most, bool until_news, const std::atomic<bool>* cancel) {
    for (int written = 0;; ++written) {
        if (state_.complete()) return StepStatus::Complete;
        if (static_cast<int>(tokens_.size()) >= settings_.budget) return StepStatus::Full;
        if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return StepStatus::Cancelled;
        if (written == most) return StepStatus::Running;
        if (!read_last(cancel)) return StepStatus::Cancelled;

        const int id = choose();
        if (id == TokenSampler::kNone) return StepStatus::NoLegalToken;
        const std::size_t notes = state_.progress().notes().size();
        const int bars = state_.progress().bars_done();
        state_.advance(id);
        if (settings_.meter && id == settings_.meter->bar_id) bar_waits_ = true;
        if (settings_.meter && settings_.meter->signatures[id] != 0) bar_waits_ = false;
        tokens_.push_back(id);
        last_is_read_ = false;
        if (until_news && (state_.progress().notes().size() != notes || state_.progress().bars_done() != bars)) {
            most = written + 1;
        }
    }
}

int StepLoop::choose() {
    const auto allowed = state_.allowed();
    for (std::size_t id = 0; id < allowed_.size(); ++id) {
        allowed_[id] = allowed[id] != 0 && (settings_.permitted.empty() || settings_.permitted[id] != 0);
    }
    if (settings_.meter) keep_meter();
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

// The newest token goes through the model only when another one is wanted.
bool StepLoop::read_last(const std::atomic<bool>* cancel) {
    if (last_is_read_) return true;
    const std::int32_t position = settings_.first_position + static_cast<std::int32_t>(tokens_.size()) - 1;
    engine::Segment segment;
    segment.sequence = &sequence_;
    segment.ids = std::span(tokens_).last(1);
    segment.positions = {&position, 1};
    segment.logits = logits_.data();
    last_is_read_ = transformer_.forward({&segment, 1}, {}, cancel);
    return last_is_read_;
}

}  // namespace midigpt
