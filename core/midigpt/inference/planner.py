"""Which bars are generated in which window of the piece.

A model sees a few bars at a time, so a request becomes a list of steps: autoregressive tracks left
to right, one after the other, then the infilled bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midigpt import _native


@dataclass(frozen=True)
class PlannedStep:
    """A window ``[start_bar, end_bar)`` of the piece and the (track, bar) pairs to write in it."""

    start_bar: int
    end_bar: int
    autoregressive: bool
    bars: frozenset[tuple[int, int]]

    def summary(self) -> dict[str, object]:
        """``{"window": [start, end], "autoregressive": bool, "generate": {"track": [bars]}}``."""
        generate: dict[str, list[int]] = {}
        for track, bar in sorted(self.bars):
            generate.setdefault(str(track), []).append(bar)
        return {
            "window": [self.start_bar, self.end_bar],
            "autoregressive": self.autoregressive,
            "generate": generate,
        }

    def to_native(self) -> _native.GenerationStep:
        """The step as :class:`midigpt._native.SessionState` takes it."""
        return _native.GenerationStep(
            self.start_bar, self.end_bar, self.autoregressive, set(self.bars)
        )


def plan(
    selected: Sequence[Sequence[bool]],
    autoregressive: Sequence[bool],
    ignore: Sequence[bool],
    D: int,
    bars_per_step: int = 0,
    tracks_per_step: int = 0,
    ar_overlap: float = 0.5,
    min_overlap_bars: int = 2,
) -> list[PlannedStep]:
    """Plan the steps of a request as MIDI-GPT 0.4.2 does.

    Args:
        selected: for each track, one flag per bar: generate it. All tracks are equally long.
        autoregressive: one flag per track: write it left to right instead of infilling.
        ignore: one flag per track: generate nothing there.
        D: bars the model sees at once, at least 1.
        bars_per_step: bars written in one step; 0 chooses, more than `D` counts as `D`.
        tracks_per_step: tracks infilled together; 0 for all.
        ar_overlap: share of an autoregressive window that is history, in [0, 1).
        min_overlap_bars: bars of history an autoregressive window has at least, where the piece
            has that many.

    Returns:
        Steps that hold each selected bar once: autoregressive tracks in track order, then infill.

    Raises:
        ValueError: an argument is outside its range, or the tracks differ in length.
    """
    steps = _native.plan_steps(
        [[bool(bar) for bar in bars] for bars in selected],
        [bool(flag) for flag in autoregressive],
        [bool(flag) for flag in ignore],
        D,
        bars_per_step,
        tracks_per_step,
        ar_overlap,
        min_overlap_bars,
    )
    return [
        PlannedStep(s.start_bar, s.end_bar, s.is_autoregressive, frozenset(s.bars_to_generate))
        for s in steps
    ]
