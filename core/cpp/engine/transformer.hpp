// A decoder-only transformer: tokens of one or several cached sequences in, logits out.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/helper_policy.hpp"
#include "engine/kernels.hpp"
#include "engine/model_shape.hpp"
#include "engine/sequence.hpp"
#include "engine/thread_pool.hpp"
#include "engine/weights.hpp"

namespace midigpt::engine {

struct TransformerOptions {
    WeightType weights = WeightType::Int8;
    CacheType cache = CacheType::Float16;
    int threads = 0;                        // 0: one per processor, at most 8
    std::filesystem::path cache_directory;  // for packed weights; empty: none
    std::string kernels;                    // name of a kernel variant; empty: the fastest
};

// Rows [first, last) of the head.
struct VocabularySlice {
    int first = 0;
    int last = 0;
};

// Tokens to append to one sequence.
struct Segment {
    Sequence* sequence = nullptr;
    std::span<const std::int32_t> ids;
    std::span<const std::int32_t> positions;  // empty: from sequence->next_position() on
    std::span<const std::uint8_t> shown;      // 0 hides a token from all queries; empty: all shown
    float* logits = nullptr;                  // vocab_size floats, for the last token; null for none
    bool logits_of_every = false;             // `logits` has vocab_size floats for each token
};

class Transformer {
public:
    // Throws std::invalid_argument or std::runtime_error.
    Transformer(const ModelShape& shape, const std::vector<std::filesystem::path>& files,
                const TransformerOptions& options);

    const ModelShape& shape() const { return shape_; }
    int threads() const { return pool_.threads(); }
    const char* kernels() const { return kernels_.name; }
    std::size_t weight_bytes() const { return weights_.bytes(); }  // read for each token

    Sequence new_sequence() const { return {shape_, cache_type_}; }

    // Appends the segments' tokens, all in one pass over the weights as far as kMostRows go, and
    // writes the logits asked for; with `slices` only those rows of them. A sequence may stand in one
    // segment only. Returns false when `cancel` became true: the sequences are then cut back to what
    // they were. Throws std::invalid_argument before anything is changed. Safe to call from several
    // threads, which take turns.
    bool forward(std::span<const Segment> segments, std::span<const VocabularySlice> slices = {},
                 const std::atomic<bool>* cancel = nullptr);

    // Attention weights of the last of `ids`, read from the start, mean over heads: out[layer][token].
    // Throws std::invalid_argument as forward(), or when `out` has another size.
    void last_attention(std::span<const std::int32_t> ids, std::span<float> out);

private:
    static constexpr int kMostRows = 120;  // whole tiles; their activations stay in the second-level cache
    static constexpr int kMostLogitRows = 16;

    // Consecutive rows that belong to one sequence.
    struct Run {
        Sequence* sequence;
        int first_row;
        int count;
        int length;   // of the sequence before the run
        int out_row;  // where attention puts its results
    };
    // Activations on their way into a matrix, as float32 and, for int8 weights, rounded.
    struct Rows {
        Rows(int count, int width, bool is_rounded);
        float* row(int index) { return floats.data() + static_cast<std::size_t>(index) * stride; }

        int stride;
        std::vector<float> floats;
        std::vector<std::int8_t> rounded;
        std::vector<float> scale;
        std::vector<std::int32_t> sum;
    };

    void check(std::span<const Segment> segments, std::span<const VocabularySlice> slices) const;
    int add_run(const Segment& segment, int done);
    bool run_rows(std::span<const VocabularySlice> slices, const std::atomic<bool>* cancel);
    void find_last_queries();
    void keep_wanted_rows();
    void embed_row(int row, std::int32_t id, std::int32_t position);
    void run_attention(const Layer& layer, int index);
    void project_head(const Layer& layer, int index, int head);
    bool forward_locked(std::span<const Segment> segments, std::span<const VocabularySlice> slices,
                        const std::atomic<bool>* cancel);
    template <class Body>
    void with_kernels(const Run& run, Body&& body) const;  // those of the sequence's cache
    template <class Number>
    void append(const CacheKernels<Number>& kernels, const Run& run, int layer, int head);
    template <class Number>
    void attend(const CacheKernels<Number>& kernels, const Run& run, int layer, int head, int thread);
    void run_feed_forward(const Layer& layer);
    void write_logits(std::span<const VocabularySlice> slices);
    void write_logit_rows(int first, int count, std::span<const VocabularySlice> slices);

    void norm_row(const Norm& norm, const float* x, Rows& out, int row) const;
    void round_row(Rows& rows, int row) const;
    void multiply(const Panels& matrix, int panel, int count, const Rows& x, int rows,
                  const Product& out) const;
    template <class Body>
    void each_row(int rows, Body&& body);
    template <class Body>
    void each_panels(int panels, Body&& body);

    ModelShape shape_;
    WeightType weight_type_;
    CacheType cache_type_;
    const Kernels& kernels_;
    ThreadPool pool_;
    Weights weights_;
    std::vector<float> rope_frequencies_;

    std::mutex mutex_;  // of everything below: one forward pass at a time
    HelperPolicy helper_policy_;
    int rows_ = 0;
    std::vector<Run> runs_;
    std::vector<Run> last_queries_;  // of the last layer: the rows with logits, one by one
    std::vector<std::pair<int, float*>> wanted_;  // rows with logits, and where those go
    std::vector<float> rotations_;                // per row: cosines, then sines
    int residual_stride_;
    std::vector<float> residual_;
    Rows normed_;
    int block_stride_;
    std::vector<float> blocks_;  // queries, keys and values
    Rows attended_;
    Rows inner_;
    std::vector<float> up_;      // Llama only
    int scores_stride_;
    std::vector<float> scores_;          // per thread
    std::vector<std::int8_t> rounded_;   // twice as many, for an int8 cache
    float* probe_ = nullptr;     // of last_attention: [layer][head][token], while it runs
    Rows logit_inputs_;
    std::vector<float> logits_;
};

}  // namespace midigpt::engine
