"""The part that a track plays in a band, after its instrument, register and texture."""

from __future__ import annotations

from collections.abc import Collection

from midigpt.general_midi import BASSES
from midigpt.score import Track

ROLES = ("drums", "bass", "chords", "pads", "melody")

_PADS = frozenset((*range(48, 53), *range(88, 96)))  # General MIDI ensembles and synth pads
_LOW = 48  # mean MIDI pitch of a bass that has another instrument
_NOTES_PER_ONSET = 1.3  # from here on a track plays chords


def role_of(program: int, is_drum: bool, pitches: Collection[int], n_onsets: int) -> str:
    """One of :data:`ROLES`.

    Args:
        program: General MIDI program, 0..127.
        is_drum: whether the track is a drum track.
        pitches: MIDI pitches of all its notes.
        n_onsets: how many different moments these notes start at.
    """
    if is_drum:
        return "drums"
    polyphonic = len(pitches) > _NOTES_PER_ONSET * n_onsets
    low = bool(pitches) and sum(pitches) / len(pitches) < _LOW
    if program in BASSES or (low and not polyphonic):
        return "bass"
    if program in _PADS:
        return "pads"
    return "chords" if polyphonic else "melody"


def role_of_track(track: Track) -> str:
    """The role of a track of a score."""
    pitches = [note.pitch for bar in track.bars for note in bar.notes]
    onsets = sum(len({note.onset_ticks for note in bar.notes}) for bar in track.bars)
    return role_of(track.instrument, track.track_type == "drum", pitches, onsets)
