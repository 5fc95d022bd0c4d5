"""Hides bars, as bars to come are hidden from a model that plays along."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from midigpt.augmentation.base import BaseTransform
from midigpt.score import Score

_TRACK_PROBABILITY = 0.75


class MaskMode(IntEnum):
    """Which bars are hidden: any, the next few after one, or either with equal chance."""

    RANDOM = 0
    STRUCTURED = 1
    MIXED = 2


@dataclass
class MaskBarConfig:
    """How often and how much is hidden.

    Attributes:
        apply_probability: share of scores in which bars are hidden, 0..1.
        mode: which bars.
        bar_fraction: most that is hidden in RANDOM mode, as a share of all bars, 0..1.
        max_lookahead: most bars in a row that are hidden in STRUCTURED mode, 1 or more.
    """

    apply_probability: float = 0.5
    mode: MaskMode = MaskMode.MIXED
    bar_fraction: float = 0.25
    max_lookahead: int = 4

    def __post_init__(self) -> None:
        for name in ("apply_probability", "bar_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; 0..1 is wanted")
        if self.max_lookahead < 1:
            raise ValueError(f"max_lookahead is {self.max_lookahead}; 1 or more is wanted")


class MaskBar(BaseTransform):
    """Sets ``future`` on random bars.

    Args:
        config: how often and how much.
        infill_bars: (track, bar) pairs that are never hidden, as the model is to fill them in.
        rng: where the bars are drawn from.
    """

    def __init__(
        self,
        config: MaskBarConfig | None = None,
        infill_bars: Collection[tuple[int, int]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(rng)
        self.config = config or MaskBarConfig()
        self.infill_bars = frozenset(infill_bars or ())

    def __call__(self, score: Score) -> Score:
        """Hide bars in place."""
        if self.rng.random() >= self.config.apply_probability:
            return score
        mode = self.config.mode
        if mode == MaskMode.MIXED:
            mode = self.rng.choice((MaskMode.RANDOM, MaskMode.STRUCTURED))
        cells = self._random(score) if mode == MaskMode.RANDOM else self._structured(score)
        for t, b in cells:
            score.tracks[t].bars[b].future = True
        return score

    def _random(self, score: Score) -> list[tuple[int, int]]:
        """Some of the cells (track, bar), at least one."""
        eligible = self._eligible(score)
        most = max(1, int(self.config.bar_fraction * len(eligible)))
        return self.rng.sample(eligible, self.rng.randint(1, most)) if eligible else []

    def _structured(self, score: Score) -> list[tuple[int, int]]:
        """The bars after a random one, on three tracks out of four."""
        bars = max((len(track.bars) for track in score.tracks), default=0)
        if bars < 2:
            return []
        current = self.rng.randrange(bars - 1)
        hidden = range(current + 1, current + 1 + self.rng.randint(1, self.config.max_lookahead))
        tracks = {t for t in range(len(score.tracks)) if self.rng.random() < _TRACK_PROBABILITY}
        return [(t, b) for t, b in self._eligible(score) if t in tracks and b in hidden]

    def _eligible(self, score: Score) -> list[tuple[int, int]]:
        return [
            (t, b)
            for t, track in enumerate(score.tracks)
            for b in range(len(track.bars))
            if (t, b) not in self.infill_bars
        ]
