"""Figures about one generated bar, as sent in ``/midigpt/generated/features``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from midigpt_server.timing import BarNote


def of_bar(
    notes: Sequence[BarNote], numerator: int, bar_ticks: int
) -> tuple[float, float, float, int, float, int, int, int]:
    """Note density (notes per beat of the numerator), mean pitch, mean velocity, largest polyphony
    (notes on one onset), mean duration in bars, smallest polyphony, shortest and longest duration
    in ticks of a bar of ``bar_ticks``. ``notes`` must not be empty."""
    count = len(notes)
    chords = Counter(note.onset for note in notes).values()
    ticks = [round(note.duration * bar_ticks) for note in notes]
    return (
        count / numerator,
        sum(note.pitch for note in notes) / count,
        sum(note.velocity for note in notes) / count,
        max(chords),
        sum(note.duration for note in notes) / count,
        min(chords),
        min(ticks),
        max(ticks),
    )
