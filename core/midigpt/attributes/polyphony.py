"""Polyphony: how many notes sound together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from midigpt.attributes.base import BaseAttribute, clamp, register
from midigpt.attributes.quantile import QuantileAttribute
from midigpt.score import Bar, Score

_Ints = npt.NDArray[np.int64]


@register("polyphony_quantile")
class PolyphonyQuantile(QuantileAttribute):
    """Quantile of the number of voices over all ticks with sound (level = voices - 1, at most 9).

    The last tick of the track, or of the bar, is never counted (tag Q11 of docs/compatibility.md).
    """

    size = 10

    def __init__(self, mode: str, level: str = "track", track_type: str = "melodic") -> None:
        super().__init__(mode, level, track_type)
        self.name = f"{mode}_polyphony" if level == "track" else f"bar_{mode}_polyphony"
        kind = mode.capitalize()
        self.token_type = (
            f"{kind}Polyphony" if level == "track" else f"BarLevelOnsetPolyphony{kind}"
        )

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """Number of voices; 0 without sound."""
        bars = score.tracks[track_idx].bars
        if self.level == "track":
            starts, ends = _spans_of_track(bars, score.resolution)
        else:
            assert bar_idx is not None
            starts, ends = _spans_of_bar(bars[bar_idx], score.resolution)
        ticks = _ticks_by_voices(starts, ends)
        total = int(ticks.sum())
        if total == 0:
            return 0
        voices = np.searchsorted(np.cumsum(ticks), self.rank(total), side="right")
        return int(voices) + 1

    def quantize(self, value: float) -> int:
        """Level 0 is one voice (or none)."""
        return clamp(int(value), 1, 10) - 1

    def value_labels(self) -> list[str]:
        """One label per level."""
        return ["1 voice", *(f"{voices} voices" for voices in range(2, 10)), "10+ voices"]


@register("onset_polyphony")
class OnsetPolyphony(BaseAttribute):
    """Largest number of notes with the same onset."""

    name = "onset_polyphony"
    token_type = "OnsetPolyphony"
    size = 10

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """Number of notes; 0 for an empty track."""
        counts = (
            max(Counter(note.onset_ticks for note in bar.notes).values(), default=0)
            for bar in score.tracks[track_idx].bars
        )
        return max(counts, default=0)


def _spans_of_track(bars: list[Bar], resolution: int) -> tuple[_Ints, _Ints]:
    """First tick and end of every note, from the start of the piece, without the last tick."""
    start = 0
    spans: list[tuple[int, int]] = []
    for bar in bars:
        for note in bar.notes:
            onset = start + note.onset_ticks
            spans.append((onset, onset + note.duration_ticks))
        start += round(bar.beat_length * resolution)
    starts, ends = _columns(spans)
    return starts, np.minimum(ends, ends.max(initial=0) - 1)


def _spans_of_bar(bar: Bar, resolution: int) -> tuple[_Ints, _Ints]:
    """First tick and end of every note inside its bar, without the bar's last tick."""
    last = round(bar.beat_length * resolution) - 1
    return _columns(
        [(max(0, n.onset_ticks), min(n.onset_ticks + n.duration_ticks, last)) for n in bar.notes]
    )


def _columns(spans: list[tuple[int, int]]) -> tuple[_Ints, _Ints]:
    table = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _ticks_by_voices(starts: _Ints, ends: _Ints) -> _Ints:
    """Entry v - 1 is the number of ticks on which exactly v of the spans [start, end) lie."""
    sounding = ends > starts
    times = np.concatenate([starts[sounding], ends[sounding]])
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(times, kind="stable")  # starts before ends: the count is never negative
    voices = np.cumsum(np.where(order < len(times) // 2, 1, -1))
    ticks = np.bincount(voices[:-1], weights=np.diff(times[order]))
    return ticks[1:].astype(np.int64)
