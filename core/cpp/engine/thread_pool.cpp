#include "engine/thread_pool.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace midigpt::engine {
namespace {

// Long enough for the work between two loops of a token, short enough to be invisible in a profile.
constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr int kSpinsPerClockRead = 64;

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    asm volatile("yield");
#endif
}

// Whether `is_true` became so in kSpinTime.
template <class Condition>
bool spin_until(Condition&& is_true) {
    std::chrono::steady_clock::time_point deadline;
    for (int spins = 1;; ++spins) {
        if (is_true()) return true;
        relax();
        if (spins % kSpinsPerClockRead != 0) continue;
        const auto now = std::chrono::steady_clock::now();
        if (deadline == std::chrono::steady_clock::time_point{}) deadline = now + kSpinTime;
        if (now >= deadline) return false;
    }
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
    if (threads < 1) {
        throw std::invalid_argument("threads is " + std::to_string(threads) + ", must be at least 1");
    }
    for (int thread = 1; thread < threads; ++thread) {
        helpers_.emplace_back([this, thread] { help(thread); });
    }
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    for (auto& helper : helpers_) helper.join();
}

void ThreadPool::run(int chunks, void* context, Call call) {
    call_ = call;
    context_ = context;
    chunks_ = chunks;
    next_.store(0, std::memory_order_relaxed);
    loop_.fetch_add(1);
    if (asleep_.load()) {
        {
            const std::lock_guard lock(mutex_);  // a helper is either asleep by now or sees the loop
            asleep_.store(false);
        }
        wake_.notify_all();
    }
    take_chunks(0);
    loop_.fetch_add(1);
    // A helper announces itself before it looks at `loop_`, so one that missed the closing is counted.
    wait_for_helpers();
}

void ThreadPool::wait_for_helpers() {
    for (int spins = 1; inside_.load() > 0; ++spins) {
        if (spins % kSpinsPerClockRead == 0) std::this_thread::yield();
        relax();
    }
}

void ThreadPool::help(int thread) {
    std::uint64_t seen = 0;
    while (wait_for_loop(seen)) {
        inside_.fetch_add(1);
        seen = loop_.load();
        if (seen % 2 == 1) take_chunks(thread);
        inside_.fetch_sub(1);
    }
}

// Returns when `loop_` has moved on from `seen` to an open loop; false when the pool ends. Who is woken spins anew,
// in case that loop is over.
bool ThreadPool::wait_for_loop(std::uint64_t seen) {
    const auto is_new = [&] {
        const auto loop = loop_.load();
        return loop != seen && loop % 2 == 1;
    };
    while (!spin_until(is_new)) {
        std::unique_lock lock(mutex_);
        if (stop_) return false;
        asleep_.store(true);
        if (!is_new()) wake_.wait(lock);
    }
    return true;
}

void ThreadPool::take_chunks(int thread) {
    for (int chunk = next_.fetch_add(1); chunk < chunks_; chunk = next_.fetch_add(1)) {
        call_(context_, chunk, thread);
    }
}

}  // namespace midigpt::engine
