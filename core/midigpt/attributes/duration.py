"""Note durations, in halvings and doublings of a quarter note."""

from __future__ import annotations

import math
from collections import Counter

from midigpt.attributes.base import BaseAttribute, notes_of, register
from midigpt.attributes.quantile import QuantileAttribute
from midigpt.score import Score

_QUARTER = 3
_LONGEST = 5


@register("note_duration_quantile")
class NoteDurationQuantile(QuantileAttribute):
    """Quantile of the note durations, 0 (a 32nd or shorter) to 5 (a whole note or longer)."""

    size = 6

    def __init__(self, mode: str, level: str = "track", track_type: str = "melodic") -> None:
        super().__init__(mode, level, track_type)
        self.name = f"{mode}_note_duration" if level == "track" else f"bar_{mode}_note_duration"
        self.token_type = f"{mode.capitalize()}NoteDuration" + ("" if level == "track" else "Bar")

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The level; 0 without notes. Drum notes count as quarter notes."""
        notes = notes_of(score, track_idx, bar_idx if self.level == "bar" else None)
        if not notes:
            return 0
        if score.tracks[track_idx].track_type == "drum":
            return _QUARTER
        # one duration is one level, and the level grows with the duration
        ticks = sorted(note.duration_ticks for note in notes)[self.rank(len(notes))]
        quarters = max(ticks / score.resolution, 1e-6)
        return int(min(max(math.log2(quarters) + _QUARTER, 0.0), _LONGEST))

    def value_labels(self) -> list[str]:
        """One label per level."""
        return ["32nd", "16th", "8th", "quarter", "half", "whole"]


@register("note_duration_dist")
class NoteDurationDistribution(BaseAttribute):
    """Most frequent note duration, on the scale of :class:`NoteDurationQuantile`."""

    name = "note_duration_dist"
    token_type = "NoteDurationDist"
    track_type = "both"
    size = 6

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The level that comes first among the most frequent ones; a quarter without notes."""
        counts = Counter(
            min(int(math.log2(max(8 * note.duration_ticks / score.resolution, 1.0))), _LONGEST)
            for note in notes_of(score, track_idx)
            if note.duration_ticks > 0
        )
        return max(counts, key=counts.__getitem__, default=_QUARTER)
