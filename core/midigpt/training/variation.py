"""Random variation of a training score, in place: key, loudness and instruments."""

from __future__ import annotations

from random import Random
from statistics import fmean

from midigpt.score import Score, Track

_BASSES = (32, 33, 35, 36, 38)
_SOLOISTS = (11, 22, 24, 26, 29, 30, 40, 41, 42, 52, 56, 57, 60, 64, 65, 66, 68, 71, 73, 75, 80, 81)
_ACCOMPANISTS = (0, 4, 6, 7, 11, 16, 19, 21, 24, 25, 26, 27, 46, 48, 50, 52, 88)
_SWAP = 0.25  # share of melodic tracks that change instrument
_SWAP_PIANO = 0.5  # the same for pianos: many sources have nothing else


def vary(score: Score, rng: Random) -> None:
    """Transpose by -6..6 semitones (not drums), scale velocities, change some instruments."""
    shift, loudness = rng.randint(-6, 6), rng.uniform(0.8, 1.2)
    for track in score.tracks:
        melodic = track.track_type == "melodic"
        if melodic and rng.random() < (_SWAP_PIANO if track.instrument == 0 else _SWAP):
            track.instrument = rng.choice(_plausible_programs(track))
        for bar in track.bars:
            for note in bar.notes:
                note.velocity = min(127, max(1, int(note.velocity * loudness)))
                if melodic:
                    note.pitch = min(127, max(0, note.pitch + shift))


def _plausible_programs(track: Track) -> tuple[int, ...]:
    """Programs (0..127) that could play this track, after its register and its chords."""
    pitches = [note.pitch for bar in track.bars for note in bar.notes]
    onsets = sum(len({note.onset_ticks for note in bar.notes}) for bar in track.bars)
    if not pitches:
        return (track.instrument,)
    if len(pitches) > 1.3 * onsets:
        return _ACCOMPANISTS
    return _BASSES if fmean(pitches) < 48 else _SOLOISTS
