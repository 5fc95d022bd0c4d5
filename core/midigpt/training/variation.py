"""Random variation of a training score, in place: instruments, key and loudness."""

from __future__ import annotations

from random import Random
from statistics import fmean

from midigpt.augmentation import Transpose, VelocityScale
from midigpt.score import Score, Track

_BASSES = (32, 33, 35, 36, 38)
_SOLOISTS = (11, 22, 24, 26, 29, 30, 40, 41, 42, 52, 56, 57, 60, 64, 65, 66, 68, 71, 73, 75, 80, 81)
_ACCOMPANISTS = (0, 4, 6, 7, 11, 16, 19, 21, 24, 25, 26, 27, 46, 48, 50, 52, 88)
_SWAP = 0.25  # share of melodic tracks that change instrument
_SWAP_PIANO = 0.5  # the same for pianos: many sources have nothing else


def vary(score: Score, rng: Random) -> None:
    """Change some instruments, transpose by -6..6 semitones (not drums), scale velocities."""
    for track in score.tracks:
        share = _SWAP_PIANO if track.instrument == 0 else _SWAP
        if track.track_type == "melodic" and rng.random() < share:
            track.instrument = rng.choice(_plausible_programs(track))
    Transpose(range(-6, 7), rng)(score)
    VelocityScale((0.8, 1.2), rng)(score)


def _plausible_programs(track: Track) -> tuple[int, ...]:
    """Programs (0..127) that could play this track, after its register and its chords."""
    pitches = [note.pitch for bar in track.bars for note in bar.notes]
    onsets = sum(len({note.onset_ticks for note in bar.notes}) for bar in track.bars)
    if not pitches:
        return (track.instrument,)
    if len(pitches) > 1.3 * onsets:
        return _ACCOMPANISTS
    return _BASSES if fmean(pitches) < 48 else _SOLOISTS
