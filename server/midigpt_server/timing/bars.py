"""Fractions of a bar and ticks: the one place where they are converted.

On the wire an onset is a fraction of its bar (0.0 = bar line) and a duration is a fraction of the
same bar. Inside the core both are integer ticks at some resolution (ticks per quarter note).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Meter:
    """A time signature."""

    numerator: int = 4
    denominator: int = 4

    @property
    def quarters(self) -> float:
        """Length of a bar in quarter notes."""
        return 4 * self.numerator / self.denominator

    def ticks(self, resolution: int) -> int:
        """Length of a bar in ticks at ``resolution`` ticks per quarter note."""
        return 4 * self.numerator * resolution // self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True)
class BarNote:
    """A note in its bar: MIDI pitch and velocity (0..127); onset and duration in bars.

    Onset is in [0, 1); the duration may exceed the bar.
    """

    pitch: int
    velocity: int
    onset: float
    duration: float


def to_ticks(fraction: float, bar_ticks: int) -> int:
    """The tick nearest to ``fraction`` of a bar of ``bar_ticks`` ticks; halves go up.

    float32 fractions k/n come back as tick k, where cutting would lose one tick for many k (D17).
    """
    return math.floor(fraction * bar_ticks + 0.5)


def nearest_meter(meter: Meter, known: tuple[Meter, ...]) -> Meter:
    """``meter`` itself if known, else the known one of the nearest bar length (D21).

    Equal lengths prefer the same denominator. An empty ``known`` accepts every meter.
    """
    if not known or meter in known:
        return meter
    return min(
        known,
        key=lambda m: (abs(m.quarters - meter.quarters), m.denominator != meter.denominator),
    )
