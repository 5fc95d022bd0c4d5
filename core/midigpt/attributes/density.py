"""Note density: how many notes a bar has, compared with other music for the same instrument."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection
from importlib.resources import files

from midigpt.attributes.base import BaseAttribute, notes_of, one_of, register
from midigpt.score import Score, Track

#: Row p holds the upper bounds of levels 0..8 of program p; row 128 those of drums.
_BOUNDS: list[list[int]] = json.loads(
    files(__package__).joinpath("density_upper_bounds.json").read_text()
)["rows"]
_DRUMS = 128


@register("note_density_quantile")
class NoteDensityQuantile(BaseAttribute):
    """Decile of the notes per non-empty bar among tracks of the same program (10 levels)."""

    size = 10

    def __init__(self, level: str = "track", track_type: str = "drum") -> None:
        self.level = one_of("level", level, "track", "bar")
        self.track_type = one_of("track_type", track_type, "melodic", "drum", "both")
        self.name = "note_density" if level == "track" else "bar_note_density"
        self.token_type = "NoteDensity" if level == "track" else "BarLevelOnsetDensity"

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The level itself: bounds depend on the program, which ``quantize`` does not know."""
        track = score.tracks[track_idx]
        if self.level == "bar":
            return _level(track, len(notes_of(score, track_idx, bar_idx)))
        filled = [len(bar.notes) for bar in track.bars if bar.notes]
        return _level(track, sum(filled) / len(filled) if filled else 0)

    def achievable_range(
        self, fixed_score: Score, track_idx: int, generated_bars: Collection[int]
    ) -> tuple[int, int]:
        """From empty generated bars to generated bars with any number of notes."""
        if self.level == "bar":
            return 0, self.size - 1
        track = fixed_score.tracks[track_idx]
        kept = [len(bar.notes) for b, bar in enumerate(track.bars) if b not in generated_bars]
        kept = [count for count in kept if count]
        low = _level(track, sum(kept) / len(kept)) if kept else 0
        return (low, self.size - 1) if generated_bars else (low, low)

    def notes_in_bar(self, track: Track, level: int) -> tuple[int, int]:
        """From just above the bound of the level below to the level's own."""
        bounds = _BOUNDS[_row(track)]
        most = max(1, bounds[level]) if level < len(bounds) else 0
        least = bounds[level - 1] + 1 if level > 0 else 1
        return (min(least, most) if most else least), most

    def value_labels(self) -> list[str]:
        """One label per level."""
        return ["sparsest (Q0)", *(f"Q{level}" for level in range(1, 9)), "densest (Q9)"]


def _level(track: Track, notes_per_bar: float) -> int:
    """Number of upper bounds below ``notes_per_bar``, in the row of the raw program (tag Q16)."""
    return bisect_left(_BOUNDS[_row(track)], round(notes_per_bar))


def _row(track: Track) -> int:
    if track.track_type == "drum":
        return _DRUMS
    return track.instrument if 0 <= track.instrument < _DRUMS else 0


@register("note_density")
class NoteDensity(BaseAttribute):
    """Notes per bar, empty bars included (the encoder clamps to 10 levels)."""

    name = "note_density"
    token_type = "NoteDensity"
    size = 10

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> float:
        """Mean number of notes per bar; 0 without bars."""
        bars = score.tracks[track_idx].bars
        return len(notes_of(score, track_idx)) / len(bars) if bars else 0.0

    def quantize(self, value: float) -> int:
        """The mean, truncated."""
        return int(value)

    def notes_in_bar(self, track: Track, level: int) -> tuple[int, int]:
        """As many notes as the level says; the last level has no upper bound."""
        return max(1, level), max(1, level) if level < self.size - 1 else 0
