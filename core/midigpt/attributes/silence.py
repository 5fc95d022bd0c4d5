"""Silence: how much of its bars a track leaves empty."""

from __future__ import annotations

from midigpt.attributes.base import BaseAttribute, clamp, one_of, register
from midigpt.score import Note, Score


@register("silence_proportion")
class SilenceProportion(BaseAttribute):
    """Mean share of silent ticks in the bars of a track, in tenths (10 levels).

    Bar starts are subtracted from onsets that already count from the bar, so from the second bar
    on only very long notes are seen (tag Q10 of docs/compatibility.md).
    """

    size = 10

    def __init__(self, level: str = "track", track_type: str = "both") -> None:
        self.level = one_of("level", level, "track", "bar")
        self.track_type = one_of("track_type", track_type, "melodic", "drum", "both")
        self.name = "silence_proportion" if level == "track" else "bar_silence_proportion"
        self.token_type = (
            "TrackLevelSilenceProportionMax" if level == "track" else "SilenceProportionBar"
        )

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> float:
        """The share, 0..1; 0 without bars."""
        shares = []
        start = 0
        for b, bar in enumerate(score.tracks[track_idx].bars):
            length = int(bar.ts_numerator * (4 * score.resolution / bar.ts_denominator))
            if length > 0 and (self.level == "track" or b == bar_idx):
                shares.append((length - _covered(bar.notes, start, length)) / length)
            start += length
        return sum(shares) / len(shares) if shares else 0.0

    def quantize(self, value: float) -> int:
        """Tenths, truncated."""
        return clamp(int(value * 10), 0, 9)


def _covered(notes: list[Note], start: int, length: int) -> int:
    """Ticks 0..length-1 on which a note sounds, with ``start`` taken off the onsets."""
    covered = reached = 0
    for note in sorted(notes, key=lambda note: note.onset_ticks):
        onset = note.onset_ticks - start
        end = clamp(onset + note.duration_ticks, 0, length)
        covered += max(0, end - clamp(onset, reached, length))
        reached = max(reached, end)
    return covered
