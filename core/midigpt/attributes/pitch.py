"""Pitch: range of a track, key of a piece, pitch classes of a bar."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from midigpt.attributes.base import BaseAttribute, notes_of, one_of, register
from midigpt.score import Score


@register("pitch_range")
class PitchRange(BaseAttribute):
    """Semitones from the lowest to the highest note of a track (128 levels)."""

    name = "pitch_range"
    token_type = "TrackLevelPitchRangeMax"
    size = 128

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """Semitones; 0 for an empty track."""
        pitches = [note.pitch for note in notes_of(score, track_idx)]
        return max(pitches) - min(pitches) if pitches else 0


@register("key_signature")
class KeySignature(BaseAttribute):
    """Key by correlation with tonal profiles: 0..11 C..B major, 12..23 C..B minor, 24 none.

    All tracks count, drums included, so every track has the same key (tag Q19 of
    docs/compatibility.md). Source of the method: Krumhansl, "Cognitive Foundations of Musical
    Pitch" (1990).
    """

    name = "key_signature"
    token_type = "KeySignature"
    size = 25

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The level; 24 when nothing sounds."""
        ticks = [0] * 12
        for track in score.tracks:
            for bar in track.bars:
                for note in bar.notes:
                    if note.velocity > 0:
                        ticks[note.pitch % 12] += note.duration_ticks
        if not any(ticks):
            return 24
        return key_of_weights(np.array(ticks, dtype=np.float64))


def key_of_weights(weights: npt.NDArray[np.float64]) -> int:
    """The key, 0..23, that fits twelve weights of pitch classes best."""
    # cumsum adds from left to right: a matrix product could break ties differently
    scores = np.cumsum(_KEYS * weights, axis=1)[:, -1]
    return int(np.argmax(scores))


def key_profile(key: int) -> npt.NDArray[np.float64]:
    """Weights of the twelve pitch classes, from C on, in a key 0..23."""
    profile: npt.NDArray[np.float64] = _KEYS[key]
    return profile


def _keys() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Weight of each pitch class (column) in each of the 24 keys (row)."""
    profiles = json.loads(files(__package__).joinpath("key_profiles.json").read_text())
    return np.array(
        [np.roll(profiles[m], tonic) for m in ("major", "minor") for tonic in range(12)]
    )


_KEYS = _keys()


@register("pitch_class_set")
class PitchClassSet(BaseAttribute):
    """Number of distinct pitch classes (13 levels).

    Args:
        level: ``"bar"`` or ``"track"`` (the latter has no token).
        track_type: tracks it applies to.
        emit: store levels of bars under the key that the encoder reads, so that their tokens are
            written. MIDI-GPT 0.4.2 stores them under another key and never writes them (tag D1 of
            docs/compatibility.md), which is the default here.
    """

    size = 13

    def __init__(self, level: str = "bar", track_type: str = "melodic", emit: bool = False) -> None:
        self.level = one_of("level", level, "track", "bar")
        self.track_type = one_of("track_type", track_type, "melodic", "drum", "both")
        self.name = "pitch_class_set" if level == "bar" else "pitch_class_set_track"
        self.token_type = "BarLevelPitchClassSet" if level == "bar" else "PitchClassSetTrack"
        self._emit = emit

    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """Number of pitch classes, 0..12."""
        notes = notes_of(score, track_idx, bar_idx if self.level == "bar" else None)
        return len({note.pitch % 12 for note in notes})

    @property
    def stored_type(self) -> str:
        """The token type in keys of ``Track.attributes``; see ``emit``."""
        return "PitchClassSet" if self._emit and self.level == "bar" else self.token_type


BarLevelPitchClassSet = PitchClassSet
