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
// Helpers that have cost so much more than they gained rest this many times as long. Half of a gain
// counts, because it is an estimate. The debt allows for the first loops after a rest: helpers wake up late.
constexpr auto kMostDebt = std::chrono::milliseconds(1);
constexpr int kRest = 8;
constexpr int kCaution = 2;
// Processor time is read this often, because that is a call of the system, and anew after a pause
// between loops, which may be the caller's own will.
constexpr auto kWatch = std::chrono::microseconds(200);
constexpr auto kPause = std::chrono::microseconds(50);
constexpr auto kLeastLoss = std::chrono::microseconds(50);  // less is interrupts and rounding

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
    const int helpers = static_cast<int>(helpers_.size());
    const auto started = Clock::now();
    begin_watch(started);
    loop_.fetch_add(1);
    auto awake = started;
    if (sleepers_.load() > 0) {
        { const std::lock_guard lock(mutex_); }  // a helper is either asleep by now or sees the loop
        wake_.notify_all();
        awake = Clock::now();
    }
    const int own = take_chunks(0);
    loop_.fetch_add(1);
    const auto closed = Clock::now();
    // A helper announces itself before it looks at `loop_`, so one that missed the closing is counted.
    const bool waits = inside_.load() > 0;
    if (waits) wait_for_helpers();
    last_end_ = waits ? Clock::now() : closed;
    const auto worked = closed - awake;
    const auto gained = std::min((chunks - own) * (worked / std::max(own, 1)), helpers * worked);
    const auto waited = (awake - started) + (last_end_ - closed);
    weigh(last_end_, gained, waited + suspended(last_end_));
}

void ThreadPool::wait_for_helpers() {
    for (int spins = 1; inside_.load() > 0; ++spins) {
        if (spins % kSpinsPerClockRead == 0) std::this_thread::yield();
        relax();
    }
}

void ThreadPool::begin_watch(Clock::time_point now) {
    if (watched_since_ != Clock::time_point{} && now - last_end_ < kPause) return;
    watched_since_ = now;
    processor_time_ = processor_time();
}

// How long the caller was, in the time watched; zero while that is too short to know.
ThreadPool::Clock::duration ThreadPool::suspended(Clock::time_point now) {
    if (now - watched_since_ < kWatch) return {};
    const auto used = processor_time() - processor_time_;
    const auto lost = now - watched_since_ - used;
    watched_since_ = {};
    return used > Clock::duration::zero() && lost > kLeastLoss ? lost : Clock::duration::zero();
}

void ThreadPool::weigh(Clock::time_point now, Clock::duration gained, Clock::duration lost) {
    debt_ = std::max(debt_ + lost - gained / kCaution, Clock::duration::zero());
    if (debt_ <= kMostDebt) return;
    rest_until_ = now + kRest * debt_;
    debt_ = {};
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

// Returns how many it took.
int ThreadPool::take_chunks(int thread) {
    int taken = 0;
    for (int chunk = next_.fetch_add(1); chunk < chunks_; chunk = next_.fetch_add(1), ++taken) {
        call_(context_, chunk, thread);
    }
    return taken;
}

}  // namespace midigpt::engine
