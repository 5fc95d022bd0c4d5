#include "generation/step_loop.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "grammar/grammar_constraint.hpp"
#include "tests/check.hpp"
#include "tests/configurations.hpp"
#include "tests/random_model.hpp"

using namespace midigpt;
using namespace midigpt::tests;

namespace {

// A small model and loops on it, each of which writes the second bar of a piece of four.
class Band {
public:
    explicit Band(int threads) : model_(shape(), {file_.path}, {engine::WeightType::Int8, {}, threads, {}, ""}) {}

    struct Player {
        engine::Sequence sequence;
        SessionState state;
        std::unique_ptr<StepLoop> loop;
    };

    std::unique_ptr<Player> player(unsigned seed, Pause pause = Pause::Never, const std::atomic<bool>* cancel = nullptr) {
        auto player = std::make_unique<Player>(Player{model_.new_sequence(), state(), nullptr});
        const auto& tokens = player->state.tokens();
        Prompt prompt{{tokens.begin(), tokens.end()}, {}, {}};
        for (int i = 0; i < static_cast<int>(tokens.size()); ++i) prompt.positions.push_back(i);
        StepLoop::Settings settings;
        settings.first_position = static_cast<int>(tokens.size());
        settings.budget = 150;
        settings.pause = pause;
        settings.cancel = cancel;
        player->loop = std::make_unique<StepLoop>(model_, player->sequence, player->state, sampler(seed), prompt, settings);
        return player;
    }

private:
    engine::ModelShape shape() const {
        engine::ModelShape shape;
        shape.vocab_size = vocabulary_.size();
        shape.n_positions = 400;
        shape.width = 32;
        shape.inner = 128;
        shape.n_layer = 2;
        shape.n_head = shape.n_kv_head = 2;
        shape.head_size = 16;
        return shape;
    }

    SessionState state() const {
        Score piece;
        piece.resolution = 12;
        Track& track = piece.tracks.emplace_back();
        for (int bar = 0; bar < 4; ++bar) {
            track.bars.emplace_back().note_indices = {bar};
            piece.notes.push_back({.pitch = 40 + bar, .velocity = 80, .duration_ticks = 6});
        }
        GenerationStep step;
        step.end_bar = 4;
        step.bars_to_generate = {{0, 1}};
        ConstraintGraph graph;
        graph.add(std::make_shared<GrammarConstraint>(GrammarOptions{}));
        return {piece, step, vocabulary_, graph, encoder_, decoder_, {}};
    }

    TokenSampler sampler(unsigned seed) const {
        return {SamplingRules{}, std::vector<std::uint8_t>(vocabulary_.size()), {}, seed};
    }

    Vocabulary vocabulary_{yellow_config()};
    Encoder encoder_{vocabulary_};
    Decoder decoder_{vocabulary_};
    TemporaryFile file_{random_model(shape())};
    engine::Transformer model_;
};

std::vector<std::int32_t> tokens_of(const StepLoop& loop) { return {loop.tokens().begin(), loop.tokens().end()}; }

}  // namespace

TEST("step loop: loops that join and leave each other write what they write alone") {
    for (const int threads : {1, 3}) {
        Band band(threads);
        std::vector<std::vector<std::int32_t>> alone;
        for (unsigned seed = 0; seed < 5; ++seed) {
            auto player = band.player(seed);
            player->loop->run(1000);
            CHECK(player->loop->status() == StepStatus::Complete || player->loop->status() == StepStatus::Full);
            alone.push_back(tokens_of(*player->loop));
        }
        std::vector<std::unique_ptr<Band::Player>> players;
        std::vector<Loop*> loops;
        for (unsigned seed = 0; seed < 5; ++seed) {
            players.push_back(band.player(seed, seed % 2 == 0 ? Pause::AtNews : Pause::Never));
            loops.push_back(players.back()->loop.get());
            run_together(loops, 3);
        }
        const auto runs = [](const Loop* loop) { return loop->status() == StepStatus::Running; };
        while (std::any_of(loops.begin(), loops.end(), runs)) run_together(loops, 10);
        for (std::size_t i = 0; i < loops.size(); ++i) CHECK_EQUAL(tokens_of(*players[i]->loop), alone[i]);
    }
}

TEST("step loop: a flag set by another thread ends it within a token, and it goes on as if nothing had been") {
    Band band(2);
    auto whole = band.player(7);
    whole->loop->run(1000);
    std::atomic<bool> cancel{false};
    auto player = band.player(7, Pause::Never, &cancel);
    for (int round = 0; round < 20; ++round) {
        std::thread other([&] { cancel = true; });
        player->loop->run(1000);
        other.join();
        const std::size_t written = player->loop->tokens().size();
        if (player->loop->status() != StepStatus::Cancelled) break;
        player->loop->run(1000);
        CHECK_EQUAL(player->loop->tokens().size(), written);
        cancel = false;
    }
    player->loop->run(1000);
    CHECK_EQUAL(tokens_of(*player->loop), tokens_of(*whole->loop));
}

TEST("step loop: pauses at every token, at news, or for an interrupt") {
    Band band(1);
    auto player = band.player(3, Pause::AtToken);
    while (player->loop->prompt_left() > 0) player->loop->run(1000);
    for (std::size_t count = 2; count < 6; ++count) {
        player->loop->run(1000);
        CHECK_EQUAL(player->loop->tokens().size(), count);
    }
    Loop* const loop = player->loop.get();
    const std::atomic<bool> interrupt{true};
    run_together({&loop, 1}, 1000, &interrupt);
    CHECK_EQUAL(player->loop->tokens().size(), 5u);
    auto listener = band.player(3, Pause::AtNews);
    for (std::size_t news = 1; listener->loop->run(1000) == StepStatus::Running; ++news) {
        const auto& progress = listener->state.progress();
        CHECK_EQUAL(progress.notes().size() + progress.bars_done(), news);
    }
}
