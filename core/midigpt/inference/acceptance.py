"""Whether the result of an attempt is kept: it should have notes, and be new."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from midigpt.inference.config import InferenceConfig
from midigpt.score import Score

_log = logging.getLogger(__name__)

#: Track and bar, both counted within a window.
Cell: TypeAlias = tuple[int, int]


def rejection(
    before: Score, after: Score, cells: Iterable[Cell], config: InferenceConfig
) -> str | None:
    """Why a result is refused, or None if it is accepted.

    A fault whose check is switched off is only logged.

    Args:
        before: the window as it was, on the model grid.
        after: the window as generated, on the same grid (defect tag D6).
        cells: the bars that were generated.
        config: with the checks and the novelty threshold.
    """
    cells = list(cells)
    if note_count(after, cells) == 0:
        if config.silence_check:
            return "silent"
        _log.warning("the generated bars have no notes")
    likeness = similarity(before, after, cells)
    if likeness >= config.novelty_threshold:
        if config.novelty_check:
            return "too similar"
        _log.warning("the generated bars are like the old ones (similarity %.2f)", likeness)
    return None


def note_count(score: Score, cells: Iterable[Cell]) -> int:
    """Number of notes in these bars."""
    return sum(len(score.tracks[track].bars[bar].notes) for track, bar in cells)


def similarity(before: Score, after: Score, cells: Iterable[Cell]) -> float:
    """Jaccard similarity, 0..1, of the multisets of (bar, pitch, onset); 1 if both are empty."""
    cells = list(cells)
    old, new = _notes(before, cells), _notes(after, cells)
    union = (old | new).total()
    return (old & new).total() / union if union else 1.0


def _notes(score: Score, cells: list[Cell]) -> Counter[tuple[Cell, int, int]]:
    return Counter(
        (cell, note.pitch, note.onset_ticks)
        for cell in cells
        for note in score.tracks[cell[0]].bars[cell[1]].notes
    )
