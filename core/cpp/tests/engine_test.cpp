#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/helper_policy.hpp"
#include "engine/json.hpp"
#include "engine/kernels.hpp"
#include "engine/number.hpp"
#include "engine/safetensors.hpp"
#include "engine/sequence.hpp"
#include "engine/thread_pool.hpp"
#include "engine/transformer.hpp"
#include "tests/check.hpp"
#include "tests/random_model.hpp"

using namespace midigpt::engine;
using namespace midigpt::tests;

namespace {

std::vector<float> random_floats(std::size_t count) {
    std::vector<float> values(count);
    for (auto& value : values) value = random_float();
    return values;
}

const Kernels& plain() { return *available_kernels().back(); }

ModelShape small_shape() {
    ModelShape shape;
    shape.vocab_size = 40;
    shape.n_positions = 300;
    shape.width = 24;
    shape.inner = 96;
    shape.n_layer = 2;
    shape.n_head = shape.n_kv_head = 2;
    shape.head_size = 12;
    return shape;
}

// Its sizes leave remainders of four registers in every matrix and in the heads, which are grouped.
ModelShape small_llama() {
    ModelShape shape = small_shape();
    shape.family = Family::Llama;
    shape.vocab_size = 110;
    shape.width = 72;
    shape.n_head = 4;
    shape.head_size = 74;
    return shape;
}

// Of a text read at once, and in parts beside another one, by every kernel variant.
void compare_logits(const ModelShape& shape) {
    const TemporaryFile file(random_model(shape));
    std::vector<std::int32_t> ids(280);
    for (auto& id : ids) id = random_int(0, shape.vocab_size - 1);
    std::vector<float> expected;
    const std::pair<WeightType, CacheType> types[] = {{WeightType::Float32, CacheType::Float32},
                                                      {WeightType::BFloat16, CacheType::Float16},
                                                      {WeightType::Int8, CacheType::Int8}};
    for (const auto& [weights, cache] : types) {
        expected.clear();
        for (const Kernels* kernels : available_kernels()) {
            for (const int threads : {1, 3}) {
                Transformer model(shape, {file.path}, {weights, cache, threads, {}, kernels->name});
                Sequence whole = model.new_sequence();
                Sequence parts = model.new_sequence();
                std::vector<float> logits(shape.vocab_size);
                std::vector<float> again(shape.vocab_size);
                Segment segment;
                segment.sequence = &whole;
                segment.ids = ids;
                segment.logits = logits.data();
                CHECK(model.forward({&segment, 1}));

                Segment first;
                first.sequence = &parts;
                first.ids = std::span(ids).first(270);
                CHECK(model.forward({&first, 1}));
                for (int i = 270; i < 280; ++i) {
                    first.ids = std::span(ids).subspan(i, 1);
                    first.logits = again.data();
                    Sequence other = model.new_sequence();
                    Segment companion;
                    companion.sequence = &other;
                    companion.ids = std::span(ids).first(3);
                    const Segment both[] = {companion, first};
                    CHECK(model.forward(both));
                }
                if (expected.empty()) expected = logits;
                for (int i = 0; i < shape.vocab_size; ++i) {
                    const float tolerance = weights == WeightType::Int8 ? 0.2f : 1e-4f;
                    CHECK(std::fabs(logits[i] - expected[i]) < tolerance);
                    CHECK(std::fabs(again[i] - expected[i]) < tolerance);
                }
                whole.cut(100);
                CHECK_EQUAL(whole.copy().length(), 100);
            }
        }
    }
}

}  // namespace

TEST("half: every finite number survives the way to float and back") {
    for (int bits = 0; bits < 0x10000; ++bits) {
        if ((bits & 0x7C00) == 0x7C00) continue;
        CHECK_EQUAL(to_half(to_float(Half{static_cast<std::uint16_t>(bits)})).bits, bits);
    }
}

TEST("half and bfloat16: rounding to nearest, ties to even, overflow to infinity") {
    CHECK_EQUAL(to_float(to_half(1.0f + 0x1p-11f)), 1.0f);
    CHECK_EQUAL(to_float(to_half(1.0f + 3 * 0x1p-11f)), 1.0f + 0x1p-9f);
    CHECK_EQUAL(to_float(to_half(65519.0f)), 65504.0f);
    CHECK_EQUAL(to_float(to_half(65520.0f)), std::numeric_limits<float>::infinity());
    CHECK_EQUAL(to_float(to_half(-10000.0f)), -10000.0f);
    CHECK(std::isnan(to_float(to_half(std::nanf("")))));
    CHECK_EQUAL(to_float(to_bfloat16(1.0f + 0x1p-8f)), 1.0f);
    CHECK_EQUAL(to_float(to_bfloat16(1.0f + 3 * 0x1p-8f)), 1.0f + 0x1p-6f);
    CHECK(std::isnan(to_float(to_bfloat16(std::nanf("")))));
}

TEST("kernels: activations are rounded and int8 products equal plain sums bit by bit, at the extremes too") {
    for (const Kernels* kernels : available_kernels()) {
        for (int round = 0; round < 30; ++round) {
            const int columns = 16 * random_int(1, 40);
            const int panels = random_int(1, 9);
            const int tokens = random_int(1, 15);
            const bool extreme = round % 3 == 0;
            std::vector<std::uint8_t> weights(static_cast<std::size_t>(panels) * 16 * columns);
            for (auto& w : weights) w = static_cast<std::uint8_t>(extreme ? (random_int(0, 1) ? 255 : 1) : random_int(1, 255));
            auto x = random_floats(static_cast<std::size_t>(tokens) * columns);
            if (extreme) {
                for (auto& value : x) value = value < 0 ? -1.0f : 1.0f;
            }
            std::vector<std::int8_t> rounded(x.size());
            std::vector<float> scales(tokens);
            std::vector<std::int32_t> sums(tokens);
            for (int t = 0; t < tokens; ++t) {
                const std::size_t first = static_cast<std::size_t>(t) * columns;
                kernels->quantize(x.data() + first, columns, rounded.data() + first, &scales[t], &sums[t]);
            }
            const std::vector<float> ones(static_cast<std::size_t>(16 * panels), 1.0f);
            std::vector<float> out(static_cast<std::size_t>(tokens) * panels * 16);
            kernels->multiply_int8({weights.data(), ones.data(), nullptr, panels, columns},
                                   {rounded.data(), scales.data(), sums.data(), columns, tokens},
                                   {out.data(), panels * 16, false});
            for (int t = 0; t < tokens; ++t) {
                const float* row = x.data() + static_cast<std::size_t>(t) * columns;
                float largest = 0.0f;
                for (int k = 0; k < columns; ++k) {
                    largest = std::max({largest, std::fabs(row[k]), std::fabs(row[k] + row[k ^ 1])});
                }
                CHECK_EQUAL(scales[t], largest / 127.0f);
                std::vector<int> whole(columns);
                for (int k = 0; k < columns; ++k) whole[k] = static_cast<int>(std::nearbyint(row[k] * (127.0f / largest)));
                CHECK_EQUAL(sums[t], std::accumulate(whole.begin(), whole.end(), 0));
                for (int i = 0; i < 16 * panels; ++i) {
                    const std::uint8_t* panel = weights.data() + static_cast<std::size_t>(i / 16) * 16 * columns;
                    std::int32_t expected = 0;
                    for (int k = 0; k < columns; ++k) expected += (panel[(k / 4 * 16 + i % 16) * 4 + k % 4] - 128) * whole[k];
                    CHECK_EQUAL(out[static_cast<std::size_t>(t) * panels * 16 + i], static_cast<float>(expected) * scales[t]);
                }
            }
        }
    }
}

TEST("kernels: norms and activations agree with plain C++") {
    for (const Kernels* kernels : available_kernels()) {
        for (const int width : {1, 15, 16, 24, 100, 768}) {
            const auto x = random_floats(static_cast<std::size_t>(padded(width)));
            const auto weight = random_floats(x.size());
            const auto bias = random_floats(x.size());
            std::vector<float> ours(x.size());
            std::vector<float> theirs(x.size());
            const auto check_near = [&] {
                for (std::size_t i = 0; i < x.size(); ++i) {
                    CHECK(std::fabs(ours[i] - theirs[i]) <= 2e-6f * (1.0f + std::fabs(theirs[i])));
                }
            };
            kernels->layer_norm(x.data(), width, weight.data(), bias.data(), 1e-5f, ours.data());
            plain().layer_norm(x.data(), width, weight.data(), bias.data(), 1e-5f, theirs.data());
            check_near();
            kernels->rms_norm(x.data(), width, weight.data(), 1e-5f, ours.data());
            plain().rms_norm(x.data(), width, weight.data(), 1e-5f, theirs.data());
            check_near();
            ours = theirs = x;
            kernels->gelu(ours.data(), static_cast<int>(x.size()));
            for (auto& z : theirs) {
                z = 0.5f * z * (1.0f + std::tanh(std::sqrt(2.0f / 3.14159265f) * (z + 0.044715f * z * z * z)));
            }
            check_near();
            ours = theirs = x;
            kernels->silu_product(ours.data(), weight.data(), static_cast<int>(x.size()));
            for (std::size_t i = 0; i < x.size(); ++i) theirs[i] = x[i] / (1.0f + std::exp(-x[i])) * weight[i];
            check_near();
        }
    }
}

// Keys and values in no cache layout: the rounded numbers of position t are [t * width, (t + 1) * width).
TEST("kernels: attention with an int8 cache equals sums over what was rounded, at the extremes too") {
    const auto round_rows = [](const std::vector<float>& x, int width, bool in_pairs) {
        std::vector<double> rounded(x.size());
        for (std::size_t row = 0; row < x.size(); row += width) {
            float largest = 0.0f;
            for (int i = 0; i < width; ++i) {
                largest = std::max(largest, std::fabs(x[row + i]));
                if (in_pairs) largest = std::max(largest, std::fabs(x[row + i] + x[row + (i ^ 1)]));
            }
            for (int i = 0; i < width; ++i) {
                rounded[row + i] = std::nearbyint(x[row + i] * (127.0f / largest)) * static_cast<double>(largest / 127.0f);
            }
        }
        return rounded;
    };
    for (int round = 0; round < 12; ++round) {
        const bool extreme = round % 4 == 0;  // equal weights, so that the sums are as large as they can be
        const int width = 16 * random_int(1, 6);
        const int count = random_int(1, 6);
        const int growth = round % 2;
        const int visible = extreme ? 2000 : random_int(1, 400);
        const int length = visible + growth * (count - 1);
        const int capacity = padded(std::max(length, width)) + 16;
        auto queries = random_floats(static_cast<std::size_t>(count) * width);
        auto keys = random_floats(static_cast<std::size_t>(length) * width);
        auto values = random_floats(keys.size());
        for (auto& x : queries) x *= 3.0f / std::sqrt(static_cast<float>(width));
        if (extreme) {
            std::fill(keys.begin(), keys.end(), 1.0f);
            for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 1.0f : -1.0f;
        }
        std::vector<std::uint8_t> shown(length, 1);
        for (int i = 0; !extreme && i < length / 4; ++i) shown[random_int(0, length - 1)] = 0;

        const auto q = round_rows(queries, width, true);
        const auto k = round_rows(keys, width, false);
        const auto v = round_rows(values, width, false);
        std::vector<double> expected(queries.size());
        for (int row = 0; row < count; ++row) {
            std::vector<double> weights(visible + row * growth);
            double largest = -1e300;
            for (std::size_t t = 0; t < weights.size(); ++t) {
                weights[t] = std::inner_product(&q[row * width], &q[row * width] + width, &k[t * width], 0.0);
                if (shown[t] != 0) largest = std::max(largest, weights[t]);
            }
            double total = 0.0;
            for (std::size_t t = 0; t < weights.size(); ++t) {
                weights[t] = shown[t] != 0 ? std::exp(weights[t] - largest) : 0.0;
                total += weights[t];
            }
            for (std::size_t t = 0; t < weights.size() && total > 0.0; ++t) {
                for (int i = 0; i < width; ++i) expected[row * width + i] += weights[t] / total * v[t * width + i];
            }
        }
        for (const Kernels* kernels : available_kernels()) {
            std::vector<std::uint8_t> cache(static_cast<std::size_t>(2) * capacity * width, 200);  // what is left of an older text
            std::vector<float> scales(static_cast<std::size_t>(2) * capacity, 1.0f);
            std::vector<float> scratch(static_cast<std::size_t>(kQueryTile) * capacity);
            std::vector<std::int8_t> rounded(2 * scratch.size());
            std::vector<float> out(queries.size());
            AttentionHead<std::uint8_t> head;
            head.cache = {cache.data(), cache.data() + cache.size() / 2, scales.data(), scales.data() + capacity};
            for (int t = 0; t < length; ++t) {
                kernels->int8_cache.append(&keys[static_cast<std::size_t>(t) * width], &values[static_cast<std::size_t>(t) * width], width, t, head.cache);
            }
            head.query = queries.data();
            head.query_stride = head.out_stride = head.width = width;
            head.count = count;
            head.visible = visible;
            head.growth = growth;
            head.shown = shown.data();
            head.scratch = scratch.data();
            head.rounded = rounded.data();
            head.capacity = capacity;
            head.out = out.data();
            kernels->int8_cache.attend(head);
            for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::fabs(out[i] - expected[i]) < 4e-3);
        }
    }
}

TEST("thread pool: every chunk once, whatever the number of threads") {
    for (const int threads : {1, 2, 3, 8}) {
        ThreadPool pool(threads);
        for (int round = 0; round < 500; ++round) {
            const int chunks = round % 20;
            std::vector<std::atomic<int>> seen(20);
            std::atomic<bool> bad_thread{false};
            pool.let_help(round % 7 != 0);
            pool.for_each(chunks, [&](int chunk, int thread) {
                seen[chunk].fetch_add(1);
                if (thread < 0 || thread >= threads) bad_thread = true;
            });
            CHECK(!bad_thread);
            for (int i = 0; i < 20; ++i) CHECK_EQUAL(seen[i].load(), i < chunks ? 1 : 0);
            if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // let them sleep
        }
    }
    CHECK_THROWS(std::invalid_argument, "threads is 0", ThreadPool(0));
}

TEST("thread pool: several at work at the same time") {
    std::atomic<int> total{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] {
            ThreadPool pool(2);
            for (int round = 0; round < 300; ++round) pool.for_each(8, [&](int chunk, int) { total += chunk; });
        });
    }
    for (auto& caller : callers) caller.join();
    CHECK_EQUAL(total.load(), 3 * 300 * 28);
}

namespace {

using Time = HelperPolicy::Duration;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// Pieces of made-up times until as much work is done as takes the caller alone `work`; returns the time in all.
Time work_through(HelperPolicy& policy, Time work, int rows, Time alone, Time helped) {
    Time total{};
    for (Time done{}; done < work; done += alone) {
        const Time taken = policy.begin(rows) ? helped : alone;
        policy.end(taken);
        total += taken;
    }
    return total;
}

}  // namespace

TEST("helper policy: helpers that gain stay, but for a sample now and then") {
    for (const int rows : {1, 7, 120, 5000}) {
        HelperPolicy policy(2);
        const Time total = work_through(policy, milliseconds(1000), rows, microseconds(100), microseconds(60));
        CHECK(!policy.are_resting());
        CHECK(total >= milliseconds(600));
        CHECK(total < milliseconds(604));
    }
}

TEST("helper policy: helpers that lose cost next to nothing, and are back when they gain") {
    for (const auto helped : {microseconds(103), microseconds(150), microseconds(4000)}) {
        HelperPolicy policy(2);
        const Time total = work_through(policy, milliseconds(4000), 1, microseconds(100), helped);
        CHECK(total > milliseconds(4000));
        CHECK(total < milliseconds(4060));
        work_through(policy, HelperPolicy::kLongestRest, 1, microseconds(100), microseconds(60));
        CHECK(!policy.are_resting());
        const Time gained = work_through(policy, milliseconds(1000), 1, microseconds(100), microseconds(60));
        CHECK(gained < milliseconds(604));
        // They have proved themselves, so that the next rest is short.
        while (!policy.are_resting()) work_through(policy, microseconds(1), 1, microseconds(100), microseconds(200));
        work_through(policy, 3 * HelperPolicy::kShortestRest, 1, microseconds(100), microseconds(60));
        CHECK(!policy.are_resting());
    }
}

TEST("helper policy: an interruption, of a sample or with helpers, changes little") {
    HelperPolicy policy(2);
    const auto piece = [&](Time alone, Time helped) { policy.end(policy.begin(1) ? helped : alone); };
    for (int i = 0; i < 3; ++i) piece(milliseconds(5), microseconds(20));  // so the first sample takes 5 ms
    work_through(policy, milliseconds(100), 1, microseconds(100), microseconds(150));
    CHECK(policy.are_resting());

    HelperPolicy interrupted(2);  // for 4 ms in 44: they gain all the same
    for (int i = 0; i < 20; ++i) {
        work_through(interrupted, milliseconds(40), 1, microseconds(100), microseconds(60));
        interrupted.begin(1);
        interrupted.end(milliseconds(4));
        CHECK(!interrupted.are_resting());
    }
    interrupted.begin(1);
    interrupted.end(milliseconds(15));
    CHECK(interrupted.are_resting());
    const Time total = work_through(interrupted, milliseconds(1000), 1, microseconds(100), microseconds(60));
    CHECK(total < milliseconds(700));
}

TEST("helper policy: pieces are compared with those of as many rows") {
    HelperPolicy policy(2);
    for (int i = 0; i < 2000; ++i) {  // a row alone takes 100 us, sixteen 130 us, 120 take 6 ms; helpers halve that
        for (const auto& [rows, alone] : {std::pair{1, 100}, {16, 130}, {120, 6000}, {113, 5650}}) {
            work_through(policy, microseconds(1), rows, microseconds(alone), microseconds(alone / 2));
            CHECK(!policy.are_resting());
        }
    }
}

TEST("JSON: values, escapes and errors") {
    const Json json = parse_json(R"( {"a": [1, -2.5e1, "x\n\u00e9\"", true, null], "b": {}} )");
    const auto& items = std::get<Json::Array>(json.find("a")->value);
    CHECK_EQUAL(std::get<double>(items[1].value), -25.0);
    CHECK_EQUAL(std::get<std::string>(items[2].value), "x\n\xC3\xA9\"");
    CHECK(json.find("c") == nullptr);
    for (const char* text : {"", "{", "[1,]", "{\"a\"}", "\"\\x\"", "\"\\u12g4\"", "nul", "1 2", "--1", "\"open"}) {
        CHECK_THROWS(std::runtime_error, "JSON", parse_json(text));
    }
    CHECK_THROWS(std::runtime_error, "too deep", parse_json(std::string(100000, '[')));
}

TEST("safetensors: tensors are found, damage is named") {
    const std::string header = R"({"__metadata__":{"k":"v"},"t":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                               R"("i":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}})";
    const TemporaryFile good(safetensors(header, std::string("\x00\x3C\x00\xC0", 4) + std::string(8, 'x')));
    const SafetensorsFile file(good.path);
    CHECK_EQUAL(file.tensors().size(), 1u);
    std::vector<float> values(2);
    file.tensors().at("t").read(0, values);
    CHECK_EQUAL(values, std::vector<float>{1.0f, -2.0f});

    CHECK_THROWS(std::runtime_error, "cannot read", SafetensorsFile("/no/such/file"));
    const auto broken = [](const std::string& entry) {
        return safetensors("{\"t\":" + entry + "}", std::string(16, '\0'));
    };
    for (const auto& content : {
             std::string("abc"), std::string(8, '\xFF'), safetensors("[]", ""), safetensors("{", ""),
             broken(R"({"dtype":"F32","shape":[4],"data_offsets":[0,20]})"),
             broken(R"({"dtype":"F32","shape":[4],"data_offsets":[8,0]})"),
             broken(R"({"dtype":"F32","shape":[3],"data_offsets":[0,16]})"),
             broken(R"({"dtype":"F32","shape":[-4],"data_offsets":[0,16]})"),
             broken(R"({"dtype":"F32","shape":[1e300],"data_offsets":[0,16]})"),
             broken(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
             broken(R"({"dtype":"F32","shape":[0.5],"data_offsets":[0,2]})"),
             broken(R"({"dtype":"F32","shape":[4]})"), broken(R"({"shape":[4],"data_offsets":[0,16]})"),
             broken("7"),
         }) {
        const TemporaryFile bad(content);
        CHECK_THROWS(std::runtime_error, "", SafetensorsFile(bad.path));
    }
}

TEST("safetensors: a header with random damage is read or refused, never more") {
    const std::string good = random_model(small_shape()).substr(0, 4000);
    for (int round = 0; round < 3000; ++round) {
        std::string content = good.substr(0, static_cast<std::size_t>(random_int(0, static_cast<int>(good.size()))));
        for (int i = random_int(0, 4); i > 0 && !content.empty(); --i) {
            content[random_int(0, static_cast<int>(content.size()) - 1)] = static_cast<char>(random_int(0, 255));
        }
        if (content.empty()) continue;
        const TemporaryFile file(content);
        try {
            const SafetensorsFile parsed(file.path);
            for (const auto& [name, tensor] : parsed.tensors()) {
                std::vector<float> values(tensor.bytes.size() / size_of(tensor.type));
                tensor.read(0, values);
            }
        } catch (const std::runtime_error&) {
        }
    }
}

TEST("transformer: threads, kernels, blocks and batches give the same logits") {
    compare_logits(small_shape());
    compare_logits(small_llama());
}

TEST("transformer: threads that call at once take turns") {
    const ModelShape shape = small_shape();
    const TemporaryFile file(random_model(shape));
    Transformer model(shape, {file.path}, {WeightType::Int8, CacheType::Float16, 2, {}, ""});
    const std::vector<std::int32_t> ids{1, 2, 3, 4, 5};
    const auto run = [&](std::vector<float>& logits) {
        for (int round = 0; round < 50; ++round) {
            Sequence sequence = model.new_sequence();
            Segment segment;
            segment.sequence = &sequence;
            segment.ids = ids;
            segment.logits = logits.data();
            model.forward({&segment, 1});
        }
    };
    std::vector<float> a(40);
    std::vector<float> b(40);
    std::thread other([&] { run(a); });
    run(b);
    other.join();
    CHECK(a == b);
}
