// Threads for many short parallel loops. Helpers spin briefly for the next loop, then sleep. The
// caller works too and takes every chunk that no helper has taken, so a helper that the system has
// suspended delays nothing but the chunk in its hands.
#pragma once

#include <atomic>
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

    // Whether helpers take part in the loops to come; so they do at first. Of the caller.
    void let_help(bool lets) { lets_help_ = lets; }

    // Calls body(chunk, thread) once for each chunk in 0..chunks-1, thread in 0..threads()-1, and
    // returns when all are done. One caller at a time. `body` must not throw.
    template <class Body>
    void for_each(int chunks, Body&& body) {
        if (helpers_.empty() || chunks <= 1 || !lets_help_) {
            for (int chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
            return;
        }
        run(chunks, &body, [](void* context, int chunk, int thread) {
            (*static_cast<std::remove_reference_t<Body>*>(context))(chunk, thread);
        });
    }

private:
    using Call = void (*)(void* context, int chunk, int thread);

    void run(int chunks, void* context, Call call);
    void wait_for_helpers();
    void help(int thread);
    bool wait_for_loop(std::uint64_t seen);
    void take_chunks(int thread);

    // The loop at hand: written while no helper is inside.
    Call call_ = nullptr;
    void* context_ = nullptr;
    int chunks_ = 0;
    bool lets_help_ = true;  // of the caller alone

    alignas(64) std::atomic<std::uint64_t> loop_{0};  // odd while a loop is open
    alignas(64) std::atomic<int> next_{0};            // next chunk to take
    alignas(64) std::atomic<int> inside_{0};          // helpers that may look at the loop
    alignas(64) std::atomic<bool> asleep_{false};     // a helper that nobody has woken yet
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;  // guarded by mutex_
    std::vector<std::thread> helpers_;
};

}  // namespace midigpt::engine
