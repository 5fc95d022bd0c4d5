// Whether a thread pool's helpers are worth having, from nothing but the time that pieces of work take: layers, which are
// all alike in one pass. Now and then one is done by the caller alone; what the others take less is what helpers gain,
// whatever they cost (waiting, waking, memory, the hypervisor). When they have lost more than a little, the caller works
// alone for a while, twice as long after every trial that fails, so that trials cost next to nothing beside a busy
// process; after a trial that has paid in all the next while is short again.
#pragma once

#include <array>
#include <chrono>

namespace midigpt::engine {

class HelperPolicy {
public:
    using Clock = std::chrono::steady_clock;
    using Duration = std::chrono::nanoseconds;

    explicit HelperPolicy(int threads) : threads_(threads) {}  // helpers and the caller: at most so many times as fast

    bool are_resting() const { return rest_left_ > Duration::zero(); }
    // Whether helpers take part in the next piece, which is about as much work as others of as many rows (from 1).
    bool begin(int rows);
    // That piece is done.
    void end(Duration taken);

    static constexpr Duration kMostDebt = std::chrono::milliseconds(1);    // helpers wake up late after a rest
    static constexpr Duration kMostCredit = std::chrono::milliseconds(8);  // two time slices of a busy process
    static constexpr Duration kShortestRest = std::chrono::milliseconds(8);
    static constexpr Duration kLongestRest = std::chrono::milliseconds(1024);
    static constexpr int kRestPerDebt = 16;
    // Of as many pieces of a kind one is done alone: of fewer at first, until its time is known well.
    static constexpr int kFirstPeriod = 16;
    static constexpr int kLastPeriod = 256;

private:
    // Pieces of about as many rows.
    struct Kind {
        Duration alone{};  // what a row takes the caller alone, smoothed; 0: unknown
        int until_sample = 1;
        int period = kFirstPeriod;
    };
    static constexpr int kExactRows = 16;  // up to which the time does not grow with the rows; then steps as large
    Kind& kind_of(int rows);
    void weigh(Duration profit);

    int threads_;
    std::array<Kind, 25> kinds_;
    int rows_ = 1;  // of the piece at hand
    bool helped_ = false;
    Duration balance_{};  // what helpers have gained lately, less what they lost
    Duration earned_{};   // the same since the last rest
    Duration rest_left_{};
    Duration next_rest_ = kShortestRest;
};

}  // namespace midigpt::engine
