// Threads for many short parallel loops. Helpers spin briefly for the next loop, then sleep. The
// caller works too and takes every chunk that no helper has taken, so a helper that the system has
// suspended delays nothing but the chunk in its hands. What helpers gain is weighed against what they
// cost: the caller's waiting for them, and its own suspensions (perhaps in favour of a helper). When they cost
// more, the caller works alone for many times as long as was lost: on a busy machine, or with loops too
// short to share, two threads are not slower than one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace midigpt::engine {

class ThreadPool {
public:
    explicit ThreadPool(int threads);  // the caller counts as one; throws std::invalid_argument below 1
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return static_cast<int>(helpers_.size()) + 1; }

    // Calls body(chunk, thread) once for each chunk in 0..chunks-1, thread in 0..threads()-1, and
    // returns when all are done. One caller at a time. `body` must not throw.
    template <class Body>
    void for_each(int chunks, Body&& body) {
        if (helpers_.empty() || chunks <= 1 || are_resting()) {
            for (int chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
            return;
        }
        run(chunks, &body, [](void* context, int chunk, int thread) {
            (*static_cast<std::remove_reference_t<Body>*>(context))(chunk, thread);
        });
    }

private:
    using Call = void (*)(void* context, int chunk, int thread);
    using Clock = std::chrono::steady_clock;

    bool are_resting() { return rest_until_ != Clock::time_point{} && still_resting(); }
    bool still_resting();
    void run(int chunks, void* context, Call call);
    void wait_for_helpers();
    void begin_watch(Clock::time_point now);
    Clock::duration suspended(Clock::time_point now);
    void weigh(Clock::time_point now, Clock::duration gained, Clock::duration lost);
    void help(int thread);
    bool wait_for_loop(std::uint64_t seen);
    int take_chunks(int thread);

    // The loop at hand: written while no helper is inside.
    Call call_ = nullptr;
    void* context_ = nullptr;
    int chunks_ = 0;
    Clock::time_point rest_until_;  // of the caller alone; zero while helpers work
    Clock::duration debt_{};        // what helpers have cost lately, less what they gained
    // Since when the caller's time is watched for suspensions, and its processor time then.
    Clock::time_point watched_since_;
    Clock::duration processor_time_{};
    Clock::time_point last_end_;  // of a loop

    alignas(64) std::atomic<std::uint64_t> loop_{0};  // odd while a loop is open
    alignas(64) std::atomic<int> next_{0};            // next chunk to take
    alignas(64) std::atomic<int> inside_{0};          // helpers that may look at the loop
    alignas(64) std::atomic<int> sleepers_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;  // guarded by mutex_
    std::vector<std::thread> helpers_;
};

}  // namespace midigpt::engine
