"""Tests of single values, each with a message that names argument, value and allowed range."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Mapping
from typing import Any


def integer(name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """``value`` as an int; a float without a fraction counts, as JSON and Max send such.

    Raises:
        ValueError: not an integer, or outside ``low..high`` (inclusive, None = open).
    """
    whole = isinstance(value, numbers.Integral) or (isinstance(value, float) and value.is_integer())
    if (
        not whole
        or isinstance(value, bool)
        or (low is not None and value < low)
        or (high is not None and value > high)
    ):
        raise ValueError(f"{name} is {value!r}; {_integers(low, high)} is wanted")
    return int(value)


def number(
    name: str, value: Any, low: float, high: float = math.inf, *, include: str = "[]"
) -> float:
    """``value`` as a finite float within an interval.

    Args:
        name: the argument's name, for the message.
        value: the value to test.
        low: lower end.
        high: upper end; infinity = open.
        include: brackets that say which ends belong to the interval, e.g. ``"(]"``.

    Raises:
        ValueError: not a number, not finite, or outside the interval.
    """
    fits = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if fits:
        size = float(value)
        fits = (
            math.isfinite(size)
            and (size >= low if include[0] == "[" else size > low)
            and (size <= high if include[1] == "]" else size < high)
        )
    if not fits:
        if high == math.inf:
            wanted = _open_interval(low, include[0] == "[")
        else:
            wanted = f"a number in {include[0]}{low:g}, {high:g}{include[1]}"
        raise ValueError(f"{name} is {value!r}; {wanted} is wanted")
    return float(value)


def boolean(name: str, value: Any) -> bool:
    """``value`` if it is True or False, else ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; True or False is wanted")
    return value


def choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """``value`` if it is one of ``allowed``, else ValueError."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {value!r}; one of {', '.join(sorted(allowed))} is wanted")
    return value


def mapping(name: str, value: Any, keys: Collection[str]) -> Mapping[str, Any]:
    """``value`` if it is a dictionary with no other keys than ``keys``, else ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {value!r}; a dictionary is wanted")
    for key in value:
        if key not in keys:
            raise ValueError(f"{name} has the key {key!r}; known are {', '.join(sorted(keys))}")
    return value


def sequence(name: str, value: Any) -> list[Any]:
    """``value`` as a list if it is a list, tuple, set, frozenset or range, else ValueError."""
    if not isinstance(value, list | tuple | set | frozenset | range):
        raise ValueError(f"{name} is {value!r}; a list is wanted")
    return list(value)


def _integers(low: int | None, high: int | None) -> str:
    if low is None and high is None:
        return "an integer"
    if high is None:
        return f"an integer of at least {low}"
    return f"an integer in {low}..{high}"


def _open_interval(low: float, included: bool) -> str:
    if low == -math.inf:
        return "a finite number"
    return f"a number {'of at least' if included else 'above'} {low:g}"
