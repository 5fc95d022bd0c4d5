"""One value that a client may send: its name, type, range and documentation, and how to read it.

The message table (:mod:`midigpt_server.protocol.inbound`) and the parameter table
(:mod:`midigpt_server.protocol.parameters`) are made of fields, so that a rule is written once and
serves validation, error texts and the manual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["int", "float", "bool", "string", "any"]

_TRUE_WORDS = frozenset({"true", "on", "yes"})
_FALSE_WORDS = frozenset({"false", "off", "no", "none", ""})


class BadValueError(ValueError):
    """A value of the wrong type or outside its range; the text names it and the range."""


class _Required:
    """Marks a field without a default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True)
class Field:
    """A named, typed, bounded value.

    ``low`` and ``high`` are inclusive unless ``open_low`` / ``open_high``. Numbers may come as any
    OSC number, boolean or numeric text; a fraction sent for an ``int`` is cut.
    """

    name: str
    kind: Kind
    doc: str = ""
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        """Whether the value must be sent."""
        return self.default is REQUIRED

    def parse(self, value: Any) -> Any:
        """``value`` in this field's type.

        Raises:
            BadValueError: wrong type, not finite, or outside the range.
        """
        if self.kind == "any":
            return value
        if self.kind == "string":
            return self._parse_string(value)
        if self.kind == "bool":
            return self._parse_bool(value)
        number = self._parse_number(value)
        if self.kind == "int":
            number = math.trunc(number)
        if not self._in_range(number):
            raise self._bad(value)
        return number

    def range_text(self) -> str:
        """The allowed values in words, such as ``int >= 1 and <= 8``."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.low is None and self.high is None:
            return {"any": "any value", "string": "text"}.get(self.kind, self.kind)
        bounds = []
        if self.low is not None:
            bounds.append(f"{'>' if self.open_low else '>='} {_plain(self.low)}")
        if self.high is not None:
            bounds.append(f"{'<' if self.open_high else '<='} {_plain(self.high)}")
        return f"{self.kind} {' and '.join(bounds)}"

    def _in_range(self, number: float) -> bool:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        above = number > low if self.open_low else number >= low
        return above and (number < high if self.open_high else number <= high)

    def _bad(self, value: Any) -> BadValueError:
        return BadValueError(f"{self.name} = {value!r}: {self.range_text()} is wanted")

    def _parse_string(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self._bad(value)
        text = str(value)
        if self.choices and text not in self.choices:
            raise self._bad(value)
        return text

    def _parse_bool(self, value: Any) -> bool:
        if isinstance(value, str):
            word = value.strip().lower()
            if word in _TRUE_WORDS:
                return True
            if word in _FALSE_WORDS:
                return False
        return self._parse_number(value) != 0

    def _parse_number(self, value: Any) -> int | float:
        if isinstance(value, (bool, int)):
            return int(value)
        try:
            number = float(value) if isinstance(value, (float, str)) else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._bad(value)
        return number


def _plain(number: float) -> str:
    return f"{number:g}" if abs(number) < 1e5 else f"{number:.0f}"
