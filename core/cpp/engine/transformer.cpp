#include "engine/transformer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>

namespace midigpt::engine {
namespace {

constexpr int kMostDefaultThreads = 8;
constexpr int kRowsPerChunk = 8;
constexpr int kPanelsPerTile = 4;   // of the kernels
constexpr int kChunksPerThread = 6;  // enough to even out, few enough to be cheap

int thread_count(int threads) {
    if (threads != 0) return threads;
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostDefaultThreads);
}

const Kernels& find_kernels(const std::string& name) {
    std::string known;
    for (const Kernels* kernels : available_kernels()) {
        if (name.empty() || name == kernels->name) return *kernels;
        known += (known.empty() ? "" : ", ") + std::string(kernels->name);
    }
    throw std::invalid_argument("kernels is \"" + name + "\", this machine has: " + known);
}

const ModelShape& checked(const ModelShape& shape) {
    shape.check();
    return shape;
}

// Llama 3.1's rule: long wavelengths are divided by `factor`, short ones kept, those between blended.
double scale_frequency(double frequency, const RopeScaling& scaling) {
    if (scaling.factor == 1.0) return frequency;
    const double turns = scaling.original_positions * frequency / (2.0 * std::numbers::pi);
    const double low = scaling.low_frequency_factor;
    const double high = scaling.high_frequency_factor;
    const double kept = std::clamp((turns - low) / (high - low), 0.0, 1.0);
    return (1.0 - kept) * frequency / scaling.factor + kept * frequency;
}

// Rounded to float32 as in Hugging Face's implementation, which the weights were trained with.
std::vector<float> rope_frequencies(const ModelShape& shape) {
    std::vector<float> frequencies;
    if (shape.family != Family::Llama) return frequencies;
    for (int i = 0; i < shape.head_size; i += 2) {
        const double frequency = std::pow(shape.rope_theta, -static_cast<double>(i) / shape.head_size);
        frequencies.push_back(static_cast<float>(scale_frequency(frequency, shape.rope_scaling)));
    }
    return frequencies;
}

// Pairs entry j with j + size/2, both of one head.
void rotate(float* head, const float* rotation, int size) {
    const int half = size / 2;
    for (int j = 0; j < half; ++j) {
        const float a = head[j];
        const float b = head[j + half];
        head[j] = a * rotation[j] - b * rotation[half + j];
        head[j + half] = b * rotation[j] + a * rotation[half + j];
    }
}

}  // namespace

Transformer::Rows::Rows(int count, int width, bool is_rounded)
    : stride(padded(width)), floats(static_cast<std::size_t>(count) * stride) {
    if (!is_rounded) return;
    rounded.resize(floats.size());
    scale.resize(count);
    sum.resize(count);
}

Transformer::Transformer(const ModelShape& shape, const std::vector<std::filesystem::path>& files,
                         const TransformerOptions& options)
    : shape_(checked(shape)),
      weight_type_(options.weights),
      cache_type_(options.cache),
      kernels_(find_kernels(options.kernels)),
      pool_(thread_count(options.threads)),
      weights_(shape, files, options.weights, options.cache_directory, pool_),
      rope_frequencies_(rope_frequencies(shape)),
      helper_policy_(pool_.threads()),
      rotations_(rope_frequencies_.size() * 2 * kMostRows),
      residual_stride_(padded(shape.width)),
      residual_(static_cast<std::size_t>(kMostRows) * residual_stride_),
      normed_(kMostRows, shape.width, weight_type_ == WeightType::Int8),
      block_stride_(shape.n_kv_head * shape.block_rows()),
      blocks_(static_cast<std::size_t>(kMostRows) * block_stride_),
      attended_(kMostRows, shape.attention_width(), weight_type_ == WeightType::Int8),
      inner_(kMostRows, shape.inner, weight_type_ == WeightType::Int8),
      up_(shape.family == Family::Llama ? inner_.floats.size() : 0),
      scores_stride_(std::max(padded(shape.n_positions), shape.padded_head())),
      scores_(static_cast<std::size_t>(pool_.threads()) * kQueryTile * scores_stride_),
      rounded_(2 * scores_.size()),
      logit_inputs_(kMostLogitRows, shape.width, weight_type_ == WeightType::Int8),
      logits_(static_cast<std::size_t>(kMostLogitRows) * padded(shape.vocab_size)) {
    runs_.reserve(kMostRows);
    last_queries_.reserve(kMostRows);
    wanted_.reserve(kMostRows);
}

bool Transformer::forward(std::span<const Segment> segments, std::span<const VocabularySlice> slices,
                          const std::atomic<bool>* cancel) {
    const std::lock_guard lock(mutex_);
    return forward_locked(segments, slices, cancel);
}

void Transformer::last_attention(std::span<const std::int32_t> ids, std::span<float> out) {
    const std::size_t length = ids.size();
    if (out.size() != length * shape_.n_layer) throw std::invalid_argument("out has the wrong size");
    Sequence sequence(shape_, CacheType::Float32);  // with int8 the exponentials are mixed with scales
    std::vector<float> weights(out.size() * shape_.n_head);
    std::vector<float> logits(shape_.vocab_size);

    const std::lock_guard lock(mutex_);
    Segment segment;
    segment.sequence = &sequence;
    segment.ids = ids.first(length - std::min<std::size_t>(length, 1));
    if (length > 1) forward_locked({&segment, 1}, {}, nullptr);
    segment.ids = ids.subspan(segment.ids.size());
    segment.logits = logits.data();  // so that the last layer looks too
    probe_ = weights.data();
    try {
        forward_locked({&segment, 1}, {}, nullptr);
    } catch (...) {
        probe_ = nullptr;
        throw;
    }
    probe_ = nullptr;

    std::fill(out.begin(), out.end(), 0.0f);
    for (int row = 0; row < shape_.n_layer * shape_.n_head; ++row) {
        float* mean = out.data() + row / shape_.n_head * length;
        for (std::size_t i = 0; i < length; ++i) {
            mean[i] += weights[row * length + i] / static_cast<float>(shape_.n_head);
        }
    }
}

bool Transformer::forward_locked(std::span<const Segment> segments,
                                 std::span<const VocabularySlice> slices,
                                 const std::atomic<bool>* cancel) {
    check(segments, slices);
    std::size_t index = 0;
    int done = 0;  // tokens of segments[index]
    while (index < segments.size()) {
        rows_ = 0;
        runs_.clear();
        wanted_.clear();
        while (index < segments.size() && rows_ < kMostRows) {
            done += add_run(segments[index], done);
            if (done < static_cast<int>(segments[index].ids.size())) break;
            ++index;
            done = 0;
        }
        if (run_rows(slices, cancel)) continue;
        for (std::size_t i = 0; i < segments.size() && i <= index; ++i) {
            Sequence& sequence = *segments[i].sequence;
            sequence.cut(sequence.length() - (i < index ? static_cast<int>(segments[i].ids.size()) : done));
        }
        return false;
    }
    return true;
}

void Transformer::check(std::span<const Segment> segments, std::span<const VocabularySlice> slices) const {
    const auto check_range = [](const char* name, int value, int least, int most) {
        if (value >= least && value <= most) return;
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) + ", must be in " +
                                    std::to_string(least) + ".." + std::to_string(most));
    };
    const auto check_length = [](const char* name, std::size_t length, std::size_t ids) {
        if (length == 0 || length == ids) return;
        throw std::invalid_argument(std::string(name) + " has " + std::to_string(length) +
                                    " entries, ids has " + std::to_string(ids));
    };
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const Segment& segment = segments[i];
        if (!segment.sequence->fits(shape_)) {
            throw std::invalid_argument("a sequence was made by a model of another shape");
        }
        const int count = static_cast<int>(segment.ids.size());
        const int room = segment.sequence->capacity() - segment.sequence->length();
        check_range("number of tokens", count, 1, room);
        for (const auto id : segment.ids) check_range("token id", id, 0, shape_.vocab_size - 1);
        check_length("positions", segment.positions.size(), segment.ids.size());
        check_length("key mask", segment.shown.size(), segment.ids.size());
        for (const auto position : segment.positions) {
            check_range("position", position, 0, shape_.n_positions - 1);
        }
        if (segment.positions.empty()) {
            check_range("position", segment.sequence->next_position() + count - 1, 0, shape_.n_positions - 1);
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (segments[j].sequence == segment.sequence) {
                throw std::invalid_argument("a sequence stands in two segments");
            }
        }
    }
    for (const auto& slice : slices) {
        check_range("start of the vocabulary slice", slice.first, 0, shape_.vocab_size - 1);
        check_range("end of the vocabulary slice", slice.last, slice.first + 1, shape_.vocab_size);
    }
}

// Adds as many tokens of the segment as there is room for, from index `done` on; returns their number.
int Transformer::add_run(const Segment& segment, int done) {
    const int total = static_cast<int>(segment.ids.size());
    const int count = std::min(total - done, kMostRows - rows_);
    Sequence& sequence = *segment.sequence;
    runs_.push_back({&sequence, rows_, count, sequence.length(), rows_});
    for (int i = done; i < done + count; ++i) {
        sequence.push(segment.ids[i],
                      segment.positions.empty() ? sequence.next_position() : segment.positions[i],
                      segment.shown.empty() || segment.shown[i] != 0);
        if (segment.logits != nullptr && (segment.logits_of_every || i == total - 1)) {
            const std::size_t line = segment.logits_of_every ? i : 0;
            wanted_.emplace_back(rows_ + i - done, segment.logits + line * shape_.vocab_size);
        }
    }
    rows_ += count;
    return count;
}

// False when cancelled; the sequences then hold tokens without keys and values.
bool Transformer::run_rows(std::span<const VocabularySlice> slices, const std::atomic<bool>* cancel) {
    for (const Run& run : runs_) {
        for (int i = 0; i < run.count; ++i) {
            embed_row(run.first_row + i, run.sequence->ids()[run.length + i], run.sequence->positions()[run.length + i]);
        }
    }
    find_last_queries();
    auto before = HelperPolicy::Clock::now();
    for (int i = 0; i < shape_.n_layer; ++i) {
        if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return false;
        const bool is_last = i == shape_.n_layer - 1;  // which may have less to do
        pool_.let_help(is_last ? !helper_policy_.are_resting() : helper_policy_.begin(rows_));
        run_attention(weights_.layer(i), i);
        run_feed_forward(weights_.layer(i));
        if (is_last) break;
        const auto now = HelperPolicy::Clock::now();
        helper_policy_.end(now - std::exchange(before, now));
    }
    write_logits(slices);
    return true;
}

// After the keys and values of the last layer only rows with logits matter.
void Transformer::find_last_queries() {
    last_queries_.clear();
    auto run = runs_.begin();
    for (const auto& [row, logits] : wanted_) {
        while (row >= run->first_row + run->count) ++run;
        const int length = run->length + row - run->first_row;
        last_queries_.push_back({run->sequence, row, 1, length, static_cast<int>(last_queries_.size())});
    }
}

void Transformer::keep_wanted_rows() {
    int kept = 0;
    for (auto& [row, logits] : wanted_) {
        const float* from = residual_.data() + static_cast<std::size_t>(row) * residual_stride_;
        float* to = residual_.data() + static_cast<std::size_t>(kept) * residual_stride_;
        if (to != from) std::copy_n(from, residual_stride_, to);
        row = kept++;
    }
    rows_ = kept;
}

void Transformer::embed_row(int row, std::int32_t id, std::int32_t position) {
    float* x = residual_.data() + static_cast<std::size_t>(row) * residual_stride_;
    weights_.embed(id, position, {x, static_cast<std::size_t>(shape_.width)});

    const std::size_t half = rope_frequencies_.size();
    float* rotation = rotations_.data() + static_cast<std::size_t>(row) * 2 * half;
    for (std::size_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(position) * rope_frequencies_[i];
        rotation[i] = std::cos(angle);
        rotation[half + i] = std::sin(angle);
    }
}

void Transformer::run_attention(const Layer& layer, int index) {
    each_row(rows_, [&](int row) {
        norm_row(layer.attention_norm, residual_.data() + static_cast<std::size_t>(row) * residual_stride_,
                 normed_, row);
    });
    const auto& queries = index == shape_.n_layer - 1 ? last_queries_ : runs_;
    const auto attend_all = [&](int head, std::span<const Run> runs, int thread) {
        for (const Run& run : runs) {
            with_kernels(run, [&](const auto& kernels) { attend(kernels, run, index, head, thread); });
        }
    };
    // One sequence's keys and values are still in the cache of the thread that wrote them; several
    // sequences are finer portions, which threads share more evenly.
    const bool at_once = queries.size() <= 1;
    pool_.for_each(shape_.n_kv_head, [&](int head, int thread) {
        project_head(layer, index, head);
        if (at_once) attend_all(head, queries, thread);
    });
    if (!at_once) {
        const int runs = static_cast<int>(queries.size());
        pool_.for_each(shape_.n_kv_head * runs, [&](int chunk, int thread) {
            attend_all(chunk / runs, {&queries[chunk % runs], 1}, thread);
        });
    }
    if (index == shape_.n_layer - 1) keep_wanted_rows();
    each_row(rows_, [&](int row) { round_row(attended_, row); });
    each_panels(layer.attention_out.count, [&](int panel, int count) {
        multiply(layer.attention_out, panel, count, attended_, rows_,
                 {residual_.data() + panel * kLanes, residual_stride_, true});
    });
}

// Queries, keys and values of one key head.
void Transformer::project_head(const Layer& layer, int index, int head) {
    const int panels = shape_.block_rows() / kLanes;
    const int width = shape_.padded_head();
    const int group = shape_.group();
    float* block = blocks_.data() + static_cast<std::size_t>(head) * shape_.block_rows();
    multiply(layer.query_key_value, head * panels, panels, normed_, rows_, {block, block_stride_, false});

    const float scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_size));
    const std::size_t rotation_size = 2 * rope_frequencies_.size();
    for (int row = 0; row < rows_; ++row) {
        float* heads = block + static_cast<std::size_t>(row) * block_stride_;
        for (int i = 0; i <= group && rotation_size != 0; ++i) {
            rotate(heads + i * width, rotations_.data() + row * rotation_size, shape_.head_size);
        }
        for (int i = 0; i < group * width; ++i) heads[i] *= scale;
    }
    for (const Run& run : runs_) {
        with_kernels(run, [&](const auto& kernels) { append(kernels, run, index, head); });
    }
}

template <class Body>
void Transformer::with_kernels(const Run& run, Body&& body) const {
    switch (run.sequence->type()) {
        case CacheType::Float32: return body(kernels_.float_cache);
        case CacheType::Float16: return body(kernels_.half_cache);
        case CacheType::Int8: return body(kernels_.int8_cache);
    }
}

template <class Number>
void Transformer::append(const CacheKernels<Number>& kernels, const Run& run, int layer, int head) {
    const int width = shape_.padded_head();
    const auto cache = run.sequence->head<Number>(layer, head);
    for (int i = 0; i < run.count; ++i) {
        const float* key = blocks_.data() + static_cast<std::size_t>(run.first_row + i) * block_stride_ +
                           static_cast<std::size_t>(head) * shape_.block_rows() + shape_.group() * width;
        kernels.append(key, key + width, width, run.length + i, cache);
    }
}

template <class Number>
void Transformer::attend(const CacheKernels<Number>& kernels, const Run& run, int layer, int head, int thread) {
    const int width = shape_.padded_head();
    const int group = shape_.group();
    const std::size_t scratch = static_cast<std::size_t>(thread) * kQueryTile * scores_stride_;
    const float* block = blocks_.data() + static_cast<std::size_t>(run.first_row) * block_stride_ +
                         static_cast<std::size_t>(head) * shape_.block_rows();

    AttentionHead<Number> task;
    task.width = width;
    task.cache = run.sequence->head<Number>(layer, head);
    task.visible = run.length + 1;
    task.shown = run.sequence->shown();
    task.scratch = scores_.data() + scratch;
    task.rounded = rounded_.data() + 2 * scratch;
    task.capacity = scores_stride_;
    float* out = attended_.row(run.out_row) + head * group * width;
    if (run.count == 1 && probe_ == nullptr) {  // the queries of the group share one pass over the keys
        task.query = block;
        task.query_stride = task.out_stride = width;
        task.count = group;
        task.growth = 0;
        task.out = out;
        kernels.attend(task);
        return;
    }
    task.query_stride = block_stride_;
    task.out_stride = attended_.stride;
    task.count = run.count;
    for (int i = 0; i < group; ++i) {
        task.query = block + i * width;
        task.out = out + i * width;
        kernels.attend(task);
        if (probe_ == nullptr) continue;
        // The kernel leaves the exponentials of its last query in the scratch row.
        const int length = run.length + 1;
        float* weights = probe_ + (static_cast<std::size_t>(layer) * shape_.n_head + head * group + i) * length;
        const float total = std::accumulate(task.scratch, task.scratch + length, 0.0f);
        for (int j = 0; j < length; ++j) weights[j] = task.scratch[j] / total;
    }
}

void Transformer::run_feed_forward(const Layer& layer) {
    each_row(rows_, [&](int row) {
        norm_row(layer.feed_forward_norm, residual_.data() + static_cast<std::size_t>(row) * residual_stride_,
                 normed_, row);
    });
    each_panels(layer.up.count, [&](int panel, int count) {
        const int width = count * kLanes;
        const std::size_t first = static_cast<std::size_t>(panel) * kLanes;
        float* inner = inner_.floats.data() + first;
        if (shape_.family == Family::Gpt2) {
            multiply(layer.up, panel, count, normed_, rows_, {inner, inner_.stride, false});
            for (int row = 0; row < rows_; ++row) kernels_.gelu(inner_.row(row) + first, width);
            return;
        }
        multiply(layer.gate, panel, count, normed_, rows_, {inner, inner_.stride, false});
        multiply(layer.up, panel, count, normed_, rows_, {up_.data() + first, inner_.stride, false});
        for (int row = 0; row < rows_; ++row) {
            const float* up = up_.data() + static_cast<std::size_t>(row) * inner_.stride + first;
            kernels_.silu_product(inner_.row(row) + first, up, width);
        }
    });
    each_row(rows_, [&](int row) { round_row(inner_, row); });
    each_panels(layer.down.count, [&](int panel, int count) {
        multiply(layer.down, panel, count, inner_, rows_,
                 {residual_.data() + panel * kLanes, residual_stride_, true});
    });
}

void Transformer::write_logits(std::span<const VocabularySlice> slices) {
    const int total = static_cast<int>(wanted_.size());
    for (int first = 0; first < total; first += kMostLogitRows) {
        write_logit_rows(first, std::min(kMostLogitRows, total - first), slices);
    }
}

void Transformer::write_logit_rows(int first, int count, std::span<const VocabularySlice> slices) {
    for (int i = 0; i < count; ++i) {
        const std::size_t row = wanted_[first + i].first;
        norm_row(weights_.final_norm(), residual_.data() + row * residual_stride_, logit_inputs_, i);
    }
    const VocabularySlice everything{0, shape_.vocab_size};
    if (slices.empty()) slices = {&everything, 1};
    const int stride = padded(shape_.vocab_size);
    for (const auto& slice : slices) {
        const int begin = slice.first / kLanes;
        const int end = (slice.last + kLanes - 1) / kLanes;
        each_panels(end - begin, [&](int panel, int panels) {
            multiply(weights_.head(), begin + panel, panels, logit_inputs_, count,
                     {logits_.data() + static_cast<std::size_t>(begin + panel) * kLanes, stride, false});
        });
        for (int i = 0; i < count; ++i) {
            const float* source = logits_.data() + static_cast<std::size_t>(i) * stride;
            std::copy(source + slice.first, source + slice.last, wanted_[first + i].second + slice.first);
        }
    }
}

void Transformer::norm_row(const Norm& norm, const float* x, Rows& out, int row) const {
    if (norm.bias != nullptr) {
        kernels_.layer_norm(x, shape_.width, norm.weight, norm.bias, shape_.norm_eps, out.row(row));
    } else {
        kernels_.rms_norm(x, shape_.width, norm.weight, shape_.norm_eps, out.row(row));
    }
    round_row(out, row);
}

void Transformer::round_row(Rows& rows, int row) const {
    if (weight_type_ != WeightType::Int8) return;
    const std::size_t first = static_cast<std::size_t>(row) * rows.stride;
    kernels_.quantize(rows.row(row), rows.stride, rows.rounded.data() + first, &rows.scale[row], &rows.sum[row]);
}

// Panels [panel, panel + count) of a matrix times the first `rows` rows of x; `out` is where the first
// panel's results go.
void Transformer::multiply(const Panels& matrix, int panel, int count, const Rows& x, int rows,
                           const Product& out) const {
    const std::size_t row = static_cast<std::size_t>(panel) * kLanes;
    Panels part = matrix;
    part.weights = static_cast<const std::byte*>(matrix.weights) + panel * panel_bytes(weight_type_, matrix.columns);
    if (part.scale != nullptr) part.scale += row;
    if (part.bias != nullptr) part.bias += row;
    part.count = count;
    if (weight_type_ == WeightType::Int8) {
        kernels_.multiply_int8(part, {x.rounded.data(), x.scale.data(), x.sum.data(), x.stride, rows}, out);
    } else if (weight_type_ == WeightType::BFloat16) {
        kernels_.multiply_bfloat16(part, {x.floats.data(), x.stride, rows}, out);
    } else {
        kernels_.multiply_float(part, {x.floats.data(), x.stride, rows}, out);
    }
}

// A few rows are not worth the way to another thread.
template <class Body>
void Transformer::each_row(int rows, Body&& body) {
    const int chunks = (rows + kRowsPerChunk - 1) / kRowsPerChunk;
    pool_.for_each(chunks, [&](int chunk, int) {
        const int last = std::min(rows, (chunk + 1) * kRowsPerChunk);
        for (int row = chunk * kRowsPerChunk; row < last; ++row) body(row);
    });
}

template <class Body>
void Transformer::each_panels(int panels, Body&& body) {
    const int tiles = (panels + kPanelsPerTile - 1) / kPanelsPerTile;
    const int per_chunk = std::max(1, tiles / (pool_.threads() * kChunksPerThread)) * kPanelsPerTile;
    pool_.for_each((panels + per_chunk - 1) / per_chunk, [&](int chunk, int) {
        const int first = chunk * per_chunk;
        body(first, std::min(per_chunk, panels - first));
    });
}

}  // namespace midigpt::engine
