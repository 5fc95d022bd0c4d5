// Contiguous arrays as arguments; what is not of their type is converted.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>

namespace midigpt::bindings {

template <class Number>
using Array = pybind11::array_t<Number, pybind11::array::c_style | pybind11::array::forcecast>;

using Floats = Array<float>;
using Ids = Array<std::int32_t>;
using Flags = Array<bool>;

}  // namespace midigpt::bindings
