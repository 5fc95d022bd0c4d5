#include "engine/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <time.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace midigpt::engine {
namespace {

// Long enough for the work between two loops of a token, short enough to be invisible in a profile.
constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr int kSpinsPerClockRead = 64;
// The time lost to suspensions stays below 1/(1 + kRest) of the whole.
constexpr int kRest = 16;
// Processor time is read this often, because that is a call of the system, and anew after a pause
// between loops, which may be the caller's own will.
constexpr auto kWatch = std::chrono::microseconds(200);
constexpr auto kPause = std::chrono::microseconds(50);
constexpr auto kLeastLoss = std::chrono::microseconds(20);  // less is interrupts and rounding

// Of this thread; zero where the system has no such clock, and then no suspension is seen.
std::chrono::steady_clock::duration processor_time() {
#ifdef CLOCK_THREAD_CPUTIME_ID
    timespec time{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
#else
    return {};
#endif
}

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    asm volatile("yield");
#endif
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
    const auto started = Clock::now();
    begin_watch(started);
    loop_.fetch_add(1);
    if (sleepers_.load() > 0) {
        { const std::lock_guard lock(mutex_); }  // a helper is either asleep by now or sees the loop
        wake_.notify_all();
    }
    take_chunks(0);
    loop_.fetch_add(1);
    const auto closed = Clock::now();
    end_watch(closed);
    // A helper announces itself before it looks at `loop_`, so one that missed the closing is counted.
    if (inside_.load() > 0) wait_for_helpers(closed - started);
}

// A helper that works holds at most one chunk, a part of what the caller has worked itself.
void ThreadPool::wait_for_helpers(Clock::duration worked) {
    const auto started = Clock::now();
    for (int spins = 1; inside_.load() > 0; ++spins) {
        if (spins % kSpinsPerClockRead == 0) std::this_thread::yield();
        relax();
    }
    const auto now = Clock::now();
    rest(now, now - started - worked);
    last_end_ = now;
}

void ThreadPool::begin_watch(Clock::time_point now) {
    if (watched_since_ != Clock::time_point{} && now - last_end_ < kPause) return;
    watched_since_ = now;
    processor_time_ = processor_time();
}

void ThreadPool::end_watch(Clock::time_point now) {
    last_end_ = now;
    if (now - watched_since_ < kWatch) return;
    const auto used = processor_time() - processor_time_;
    const auto lost = now - watched_since_ - used;
    watched_since_ = {};
    if (used > Clock::duration::zero() && lost > kLeastLoss) rest(now, lost);
}

void ThreadPool::rest(Clock::time_point now, Clock::duration lost) {
    if (lost > Clock::duration::zero()) rest_until_ = std::max(rest_until_, now + kRest * lost);
}

bool ThreadPool::still_resting() {
    if (Clock::now() < rest_until_) return true;
    rest_until_ = {};
    return false;
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

// Returns when `loop_` has moved on from `seen` to an open loop; false when the pool ends.
bool ThreadPool::wait_for_loop(std::uint64_t seen) {
    const auto is_new = [&] {
        const auto loop = loop_.load();
        return loop != seen && loop % 2 == 1;
    };
    auto deadline = std::chrono::steady_clock::time_point{};
    for (int spins = 0;; ++spins) {
        if (is_new()) return true;
        relax();
        if (spins % kSpinsPerClockRead != 0) continue;
        const auto now = std::chrono::steady_clock::now();
        if (deadline == std::chrono::steady_clock::time_point{}) deadline = now + kSpinTime;
        if (now >= deadline) break;
    }
    std::unique_lock lock(mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return stop_ || is_new(); });
    sleepers_.fetch_sub(1);
    return !stop_;
}

void ThreadPool::take_chunks(int thread) {
    for (int chunk = next_.fetch_add(1); chunk < chunks_; chunk = next_.fetch_add(1)) {
        call_(context_, chunk, thread);
    }
}

}  // namespace midigpt::engine
