"""Transposition, velocity scaling, other instruments, other track orders."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from midigpt.augmentation.base import BaseTransform
from midigpt.score import Note, Score, Track


class Transpose(BaseTransform):
    """Shifts all melodic tracks by the same number of semitones; pitches stay within 0..127.

    Args:
        semitones: the shift, or the range to draw it from.
        rng: where the shift is drawn from.
    """

    def __init__(self, semitones: int | range, rng: random.Random | None = None) -> None:
        super().__init__(rng)
        self.semitones = (
            range(semitones, semitones + 1) if isinstance(semitones, int) else semitones
        )
        if not self.semitones:
            raise ValueError(f"semitones is {semitones}; a number or a range of some is wanted")

    def __call__(self, score: Score) -> Score:
        """Transpose in place; drums stay as they are."""
        shift = self.rng.choice(self.semitones)
        for note in _notes(t for t in score.tracks if t.track_type != "drum"):
            note.pitch = max(0, min(note.pitch + shift, 127))
        return score


class VelocityScale(BaseTransform):
    """Multiplies all velocities by the same factor; they stay within 1..127.

    Args:
        factor: the factor, or the lowest and highest one to draw it between.
        rng: where the factor is drawn from.
    """

    def __init__(
        self, factor: float | tuple[float, float], rng: random.Random | None = None
    ) -> None:
        super().__init__(rng)
        self.low, self.high = factor if isinstance(factor, tuple) else (factor, factor)
        if not 0 <= self.low <= self.high:
            raise ValueError(f"factor is {factor}; 0 <= low <= high is wanted")

    def __call__(self, score: Score) -> Score:
        """Scale in place."""
        factor = self.rng.uniform(self.low, self.high)
        for note in _notes(score.tracks):
            note.velocity = max(1, min(int(note.velocity * factor), 127))
        return score


class InstrumentSwap(BaseTransform):
    """Replaces the program of every track by one drawn from the programs listed for it."""

    def __init__(
        self, mapping: Mapping[int, Sequence[int]], rng: random.Random | None = None
    ) -> None:
        super().__init__(rng)
        self.mapping = mapping

    def __call__(self, score: Score) -> Score:
        """Swap in place; programs without alternatives stay."""
        for track in score.tracks:
            if alternatives := self.mapping.get(track.instrument):
                track.instrument = self.rng.choice(alternatives)
        return score


class TrackPermutation(BaseTransform):
    """Puts the tracks into a random order."""

    def __call__(self, score: Score) -> Score:
        """Shuffle in place."""
        self.rng.shuffle(score.tracks)
        return score


def _notes(tracks: Iterator[Track] | Sequence[Track]) -> Iterator[Note]:
    return (note for track in tracks for bar in track.bars for note in bar.notes)
