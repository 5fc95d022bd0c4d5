#include "engine/weights.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "engine/weight_cache.hpp"

namespace midigpt::engine {
namespace {

constexpr std::size_t kAlignment = 64;

// 0, 1, …, count-1, then padding up to a multiple of 16.
Places plain_places(int count) {
    Places places(padded(count), kNothing);
    std::iota(places.begin(), places.begin() + count, 0);
    return places;
}

void append_head(Places& places, int first, const ModelShape& shape) {
    for (int i = 0; i < shape.padded_head(); ++i) places.push_back(i < shape.head_size ? first + i : kNothing);
}

// Rows of the stacked query, key and value matrices, regrouped by key head.
Places grouped_places(const ModelShape& shape) {
    const int keys = shape.n_head * shape.head_size;
    const int values = keys + shape.n_kv_head * shape.head_size;
    Places places;
    for (int head = 0; head < shape.n_kv_head; ++head) {
        for (int i = 0; i < shape.group(); ++i) {
            append_head(places, (head * shape.group() + i) * shape.head_size, shape);
        }
        append_head(places, keys + head * shape.head_size, shape);
        append_head(places, values + head * shape.head_size, shape);
    }
    return places;
}

// Columns of the matrix that takes the heads' outputs.
Places head_places(const ModelShape& shape) {
    Places places;
    for (int head = 0; head < shape.n_head; ++head) append_head(places, head * shape.head_size, shape);
    return places;
}

// Lays the weights out in one block and remembers how to fill it. The first pass has no block and
// only measures.
class Builder {
public:
    Builder(const ModelShape& shape, const TensorFiles& files, WeightType type, std::byte* block)
        : shape_(shape), files_(files), type_(type), block_(block) {}

    std::size_t size() const { return used_; }

    Norm norm(const std::string& name, bool with_bias) {
        Norm norm;
        norm.weight = vector(&files_.get(name + ".weight", {shape_.width}), plain_places(shape_.width));
        if (with_bias) {
            norm.bias = vector(&files_.get(name + ".bias", {shape_.width}), plain_places(shape_.width));
        }
        return norm;
    }

    Panels matrix(MatrixSource source, const Tensor* bias) {
        const int rows = static_cast<int>(source.rows.size());
        const int columns = static_cast<int>(source.columns.size());
        Panels panels{nullptr, nullptr, nullptr, rows / kLanes, columns};
        std::byte* weights = take(panel_bytes(type_, columns) * panels.count);
        panels.weights = weights;
        float* scale = nullptr;
        if (type_ == WeightType::Int8) {
            panels.scale = scale = reinterpret_cast<float*>(take(sizeof(float) * rows));
        }
        if (bias != nullptr) panels.bias = vector(bias, source.rows);
        if (block_ != nullptr) matrices_.push_back({std::move(source), weights, scale, panels.count});
        return panels;
    }

    void fill(ThreadPool& pool) const {
        for (const auto& vector : vectors_) fill(vector);
        for (const auto& matrix : matrices_) {
            const std::size_t size = panel_bytes(type_, static_cast<int>(matrix.source.columns.size()));
            pool.for_each(matrix.panels, [&](int panel, int) {
                pack_panel(matrix.source, panel, type_, matrix.weights + size * panel,
                           matrix.scale == nullptr ? nullptr : matrix.scale + panel * kLanes);
            });
        }
    }

private:
    struct VectorTask {
        const Tensor* tensor;
        Places places;
        float* out;
    };
    struct MatrixTask {
        MatrixSource source;
        std::byte* weights;
        float* scale;
        int panels;
    };

    std::byte* take(std::size_t size) {
        std::byte* part = block_ == nullptr ? nullptr : block_ + used_;
        used_ += (size + kAlignment - 1) / kAlignment * kAlignment;
        return part;
    }

    float* vector(const Tensor* tensor, Places places) {
        auto* out = reinterpret_cast<float*>(take(sizeof(float) * places.size()));
        if (block_ != nullptr) vectors_.push_back({tensor, std::move(places), out});
        return out;
    }

    static void fill(const VectorTask& task) {
        std::vector<float> values(static_cast<std::size_t>(task.tensor->shape[0]));
        task.tensor->read(0, values);
        for (std::size_t i = 0; i < task.places.size(); ++i) {
            if (task.places[i] != kNothing) task.out[i] = values[task.places[i]];
        }
    }

    const ModelShape& shape_;
    const TensorFiles& files_;
    WeightType type_;
    std::byte* block_;
    std::size_t used_ = 0;
    std::vector<VectorTask> vectors_;
    std::vector<MatrixTask> matrices_;
};

struct Plan {
    std::vector<Layer> layers;
    Norm final_norm;
    Panels head;
};

// Tensor names of Hugging Face's GPT2LMHeadModel, which MIDI-GPT's checkpoints share.
Plan plan_gpt2(const ModelShape& shape, const TensorFiles& files, Builder& builder) {
    const int width = shape.width;
    const int attention = shape.n_head * shape.head_size;
    Plan plan;
    const auto linear = [&](const std::string& name, int inputs, int outputs, Places rows, Places columns) {
        return builder.matrix({{&files.get(name + ".weight", {inputs, outputs})}, true, std::move(rows),
                               std::move(columns)},
                              &files.get(name + ".bias", {outputs}));
    };
    for (int i = 0; i < shape.n_layer; ++i) {
        const std::string block = "transformer.h." + std::to_string(i);
        Layer layer;
        layer.attention_norm = builder.norm(block + ".ln_1", true);
        layer.query_key_value = linear(block + ".attn.c_attn", width, 3 * attention, grouped_places(shape),
                                       plain_places(width));
        layer.attention_out =
            linear(block + ".attn.c_proj", attention, width, plain_places(width), head_places(shape));
        layer.feed_forward_norm = builder.norm(block + ".ln_2", true);
        layer.up = linear(block + ".mlp.c_fc", width, shape.inner, plain_places(shape.inner),
                          plain_places(width));
        layer.down = linear(block + ".mlp.c_proj", shape.inner, width, plain_places(width),
                            plain_places(shape.inner));
        plan.layers.push_back(layer);
    }
    plan.final_norm = builder.norm("transformer.ln_f", true);
    const bool tied = !files.has("lm_head.weight");
    const Tensor& head = files.get(tied ? "transformer.wte.weight" : "lm_head.weight", {shape.vocab_size, width});
    plan.head = builder.matrix({{&head}, false, plain_places(shape.vocab_size), plain_places(width)}, nullptr);
    return plan;
}

// Tensor names of Hugging Face's LlamaForCausalLM.
Plan plan_llama(const ModelShape& shape, const TensorFiles& files, Builder& builder) {
    const int width = shape.width;
    const int queries = shape.n_head * shape.head_size;
    const int keys = shape.n_kv_head * shape.head_size;
    Plan plan;
    const auto tensor = [&](const std::string& name, int outputs, int inputs) {
        return &files.get(name + ".weight", {outputs, inputs});
    };
    const auto linear = [&](std::vector<const Tensor*> tensors, Places rows, Places columns) {
        return builder.matrix({std::move(tensors), false, std::move(rows), std::move(columns)}, nullptr);
    };
    for (int i = 0; i < shape.n_layer; ++i) {
        const std::string block = "model.layers." + std::to_string(i);
        Layer layer;
        layer.attention_norm = builder.norm(block + ".input_layernorm", false);
        layer.query_key_value = linear({tensor(block + ".self_attn.q_proj", queries, width),
                                        tensor(block + ".self_attn.k_proj", keys, width),
                                        tensor(block + ".self_attn.v_proj", keys, width)},
                                       grouped_places(shape), plain_places(width));
        layer.attention_out = linear({tensor(block + ".self_attn.o_proj", width, queries)},
                                     plain_places(width), head_places(shape));
        layer.feed_forward_norm = builder.norm(block + ".post_attention_layernorm", false);
        layer.gate = linear({tensor(block + ".mlp.gate_proj", shape.inner, width)},
                            plain_places(shape.inner), plain_places(width));
        layer.up = linear({tensor(block + ".mlp.up_proj", shape.inner, width)},
                          plain_places(shape.inner), plain_places(width));
        layer.down = linear({tensor(block + ".mlp.down_proj", width, shape.inner)}, plain_places(width),
                            plain_places(shape.inner));
        plan.layers.push_back(layer);
    }
    plan.final_norm = builder.norm("model.norm", false);
    const bool tied = !files.has("lm_head.weight");
    plan.head = linear({tensor(tied ? "model.embed_tokens" : "lm_head", shape.vocab_size, width)},
                       plain_places(shape.vocab_size), plain_places(width));
    return plan;
}

Plan make_plan(const ModelShape& shape, const TensorFiles& files, Builder& builder) {
    return shape.family == Family::Gpt2 ? plan_gpt2(shape, files, builder) : plan_llama(shape, files, builder);
}

std::string layout_name(const ModelShape& shape, WeightType type) {
    std::string name = "panels of 16";
    for (const int number : {static_cast<int>(shape.family), shape.vocab_size, shape.width, shape.inner,
                             shape.n_layer, shape.n_head, shape.n_kv_head, shape.head_size,
                             static_cast<int>(type)}) {
        name += " " + std::to_string(number);
    }
    return name;
}

}  // namespace

Weights::Weights(const ModelShape& shape, const std::vector<std::filesystem::path>& files, WeightType type,
                 const std::filesystem::path& cache_directory, ThreadPool& pool)
    : files_(files) {
    const bool gpt2 = shape.family == Family::Gpt2;
    token_embedding_ = &files_.get(gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight",
                                   {shape.vocab_size, shape.width});
    if (gpt2) {
        position_embedding_ = &files_.get("transformer.wpe.weight", {shape.n_positions, shape.width});
    }

    Builder measure(shape, files_, type, nullptr);
    make_plan(shape, files_, measure);
    buffer_ = PageBuffer(measure.size());

    Builder builder(shape, files_, type, buffer_.data());
    Plan plan = make_plan(shape, files_, builder);
    layers_ = std::move(plan.layers);
    final_norm_ = plan.final_norm;
    head_ = plan.head;

    if (cache_directory.empty()) {
        builder.fill(pool);
        return;
    }
    const WeightCache cache(cache_directory, files, layout_name(shape, type));
    const std::span<std::byte> block(buffer_.data(), buffer_.size());
    if (cache.read(block)) return;
    std::fill(block.begin(), block.end(), std::byte{0});
    builder.fill(pool);
    cache.write(block);
}

void Weights::embed(std::int32_t id, std::int32_t position, std::span<float> out) const {
    token_embedding_->read(static_cast<std::size_t>(id) * out.size(), out);
    if (position_embedding_ == nullptr) return;
    std::array<float, 64> part;
    for (std::size_t first = 0; first < out.size(); first += part.size()) {
        const std::size_t count = std::min(part.size(), out.size() - first);
        position_embedding_->read(static_cast<std::size_t>(position) * out.size() + first, {part.data(), count});
        for (std::size_t i = 0; i < count; ++i) out[first + i] += part[i];
    }
}

}  // namespace midigpt::engine
