// Set from any thread; compiled loops look at it before each token or pass.
#pragma once

#include <atomic>

namespace midigpt::bindings {

struct CancelFlag {
    std::atomic<bool> set{false};

    static const std::atomic<bool>* of(const CancelFlag* flag) { return flag == nullptr ? nullptr : &flag->set; }
};

}  // namespace midigpt::bindings
