"""Low and high quantiles of the notes of a track: what nearly all of them exceed, or stay below."""

from __future__ import annotations

from collections.abc import Collection

from midigpt.attributes.base import BaseAttribute, one_of, without_bars
from midigpt.score import Score

_PROBABILITY = {"min": 0.15, "max": 0.85}


class QuantileAttribute(BaseAttribute):
    """An attribute with a ``mode``: ``"min"`` takes the 15 % quantile, ``"max"`` the 85 % one."""

    def __init__(self, mode: str, level: str, track_type: str) -> None:
        self.mode = one_of("mode", mode, "min", "max")
        self.level = one_of("level", level, "track", "bar")
        self.track_type = one_of("track_type", track_type, "melodic", "drum", "both")

    def rank(self, count: int) -> int:
        """Position of the quantile among ``count`` (1 or more) sorted values.

        Rounded half to even (tag Q15 of docs/compatibility.md).
        """
        return min(round(count * _PROBABILITY[self.mode]), count - 1)

    def achievable_range(
        self, fixed_score: Score, track_idx: int, generated_bars: Collection[int]
    ) -> tuple[int, int]:
        """New notes move a track's maximum up from what its kept bars have, its minimum down."""
        if self.level == "bar":
            return 0, self.size - 1
        kept = self.measure(without_bars(fixed_score, track_idx, generated_bars), track_idx)
        return (0, kept) if self.mode == "min" else (kept, self.size - 1)
