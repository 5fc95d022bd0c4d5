"""Between the dataclasses of :mod:`midigpt.score` and the core's flat score.

Raises:
    TypeError: a field that must be a whole number is not, or an attribute level.
    ValueError: a number does not fit in 32 bits.
"""

from midigpt._native import from_cpp, to_cpp

__all__ = ["from_cpp", "to_cpp"]
