#include "generation/bar_loop.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/check.hpp"
#include "tests/random_model.hpp"

using namespace midigpt;
using namespace midigpt::events;
using namespace midigpt::tests;

namespace {

constexpr int kText = 5;
constexpr int kBegin = 300, kEnd = 5000;

// A small random model of events; an agent with the instrument 7 in a band of three.
class Stage {
public:
    Stage() : model_(shape(), {file_.path}, {engine::WeightType::Int8, {}, 1, {}, ""}) {}

    engine::Transformer& model() { return model_; }
    engine::Sequence new_sequence() const { return model_.new_sequence(); }

    static std::vector<std::int32_t> prompt(int events) {
        std::vector<std::int32_t> ids{0, kText + kAutoregress};
        for (int i = 0; i < events; ++i) {
            ids.insert(ids.end(), {kText + 10 * i, kText + kDurationOffset + i, kText + kNoteOffset + 7 * kPitches + 40 + i});
        }
        return ids;
    }

    static BarLoop::Settings settings(DensityMethod method, unsigned seed) {
        BarLoop::Settings settings;
        settings.first_id = kText;
        settings.begin = kBegin;
        settings.end = kEnd;
        settings.instrument = 7;
        settings.band = {0, 7, kDrums};
        settings.lowest = 30;
        settings.highest = 90;
        settings.method = method;
        settings.wanted = 8.0f;
        settings.most_notes = 8;
        settings.budget = 90;
        settings.seed = seed;
        return settings;
    }

    Events write(engine::Sequence& sequence, int events, const BarLoop::Settings& settings) {
        BarLoop loop(model_, sequence, {}, prompt(events), settings);
        loop.run(10000);
        CHECK(loop.status() == StepStatus::Complete || loop.status() == StepStatus::Full);
        return {loop.notes().begin(), loop.notes().end()};
    }

private:
    static engine::ModelShape shape() {
        engine::ModelShape shape;
        shape.vocab_size = kText + kVocabulary;
        shape.n_positions = 256;
        shape.width = 16;
        shape.inner = 32;
        shape.n_layer = 1;
        shape.n_head = shape.n_kv_head = 1;
        shape.head_size = 16;
        return shape;
    }

    TemporaryFile file_{random_model(shape())};
    engine::Transformer model_;
};

}  // namespace

TEST("bar loop: own notes in order, in the bar and in range, whatever was read before") {
    Stage stage;
    engine::Sequence kept = stage.new_sequence();
    std::size_t count = 0;
    for (const auto method : {DensityMethod::Imagine, DensityMethod::Thin}) {
        for (unsigned seed = 0; seed < 12; ++seed) {
            const auto settings = Stage::settings(method, seed);
            const int events = static_cast<int>(seed * 7 % 20);
            const Events notes = stage.write(kept, events, settings);
            engine::Sequence fresh = stage.new_sequence();
            CHECK(notes == stage.write(fresh, events, settings));
            int time = kBegin;
            for (const Event& note : notes) {
                CHECK(note.time >= time && note.time < kEnd);
                CHECK(note.instrument() == 7 && note.pitch() >= 30 && note.pitch() <= 90);
                CHECK(note.duration >= 0 && note.duration < kDurations);
                time = note.time;
            }
            CHECK(notes.size() <= 8);
            count += notes.size();
        }
    }
    CHECK(count > 0);
}

TEST("bar loop: with company or in pieces it writes what it writes alone") {
    Stage stage;
    std::vector<Events> alone;
    std::vector<engine::Sequence> sequences;
    for (unsigned seed = 0; seed < 4; ++seed) {
        engine::Sequence sequence = stage.new_sequence();
        alone.push_back(stage.write(sequence, 10, Stage::settings(DensityMethod::Thin, seed)));
        sequences.push_back(stage.new_sequence());
    }
    std::vector<std::unique_ptr<BarLoop>> loops;
    std::vector<Loop*> running;
    for (unsigned seed = 0; seed < 4; ++seed) {
        auto settings = Stage::settings(DensityMethod::Thin, seed);
        settings.pause = seed % 2 == 0 ? Pause::AtNews : Pause::AtToken;
        loops.push_back(std::make_unique<BarLoop>(stage.model(), sequences[seed], SliceRules{}, Stage::prompt(10), settings));
        running.push_back(loops.back().get());
        run_together(running, 5);
    }
    const auto runs = [](const Loop* loop) { return loop->status() == StepStatus::Running; };
    while (std::any_of(running.begin(), running.end(), runs)) run_together(running, 100);
    for (std::size_t i = 0; i < loops.size(); ++i) {
        CHECK(Events(loops[i]->notes().begin(), loops[i]->notes().end()) == alone[i]);
    }
}
