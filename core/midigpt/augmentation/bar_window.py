"""Windows of a few bars, and of a few tracks with enough notes in them."""

from __future__ import annotations

import copy
import math
import random
from dataclasses import replace

from midigpt.augmentation.base import BaseTransform, own_rng
from midigpt.score import Score, Track


class BarWindow(BaseTransform):
    """Cuts a score down to ``num_bars`` consecutive bars, drawn at random."""

    def __init__(self, num_bars: int, rng: random.Random | None = None) -> None:
        super().__init__(rng)
        if num_bars < 1:
            raise ValueError(f"num_bars is {num_bars}; 1 or more is wanted")
        self.num_bars = num_bars

    def __call__(self, score: Score) -> Score:
        """Cut in place; a score that is short enough stays whole."""
        bars = max((len(track.bars) for track in score.tracks), default=0)
        start = self.rng.randint(0, max(0, bars - self.num_bars))
        for track in score.tracks:
            track.bars = track.bars[start : start + self.num_bars]
        return score


def select_window(
    score: Score,
    n_bars: int,
    n_tracks: int,
    min_fill_ratio: float = 0.75,
    rng: random.Random | None = None,
) -> Score | None:
    """A copy of ``n_bars`` bars of ``n_tracks`` tracks in random order, or None if none fits.

    A track fits where at least ``ceil(min_fill_ratio * n_bars)`` of the bars have notes. All starts
    with enough such tracks are equally likely. Attributes of bars are left out: they are numbered
    from the start of the piece.
    """
    rng = own_rng(rng)
    least = math.ceil(min_fill_ratio * n_bars)
    shortest = min((len(track.bars) for track in score.tracks), default=0)
    fitting: list[tuple[int, list[Track]]] = []
    for start in range(shortest - n_bars + 1):
        tracks = [t for t in score.tracks if _filled(t, start, n_bars) >= least]
        if len(tracks) >= n_tracks:
            fitting.append((start, tracks))
    if not fitting:
        return None
    start, tracks = rng.choice(fitting)
    chosen = rng.sample(tracks, n_tracks)
    return replace(score, tracks=[_cut(track, start, n_bars) for track in chosen])


def _filled(track: Track, start: int, n_bars: int) -> int:
    return sum(1 for bar in track.bars[start : start + n_bars] if bar.notes)


def _cut(track: Track, start: int, n_bars: int) -> Track:
    return replace(
        track,
        bars=copy.deepcopy(track.bars[start : start + n_bars]),
        attributes={k: v for k, v in track.attributes.items() if not k.startswith("bar_")},
    )
