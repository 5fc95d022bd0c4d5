"""What can be said of a piece by rule: instruments, tempo, meter, key, density."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from symusic.core import ScoreSecond

from midigpt import events
from midigpt.attributes.pitch import key_of_weights
from midigpt.captions.instruments import NAME_OF
from midigpt.smf import checked

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
#: An instrument counts when it plays at least this share of the notes.
_LEAST_SHARE = 0.02
_STEADY = 0.1
_PADDING = bytes(8)
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Features:
    """Facts about a piece; what is unknown, or not to be said, is None or empty.

    ``instruments`` are everyday names, the one with most notes first. ``tempo`` is in beats a
    minute, ``density`` in notes a second.
    """

    instruments: tuple[str, ...] = ()
    genre: str | None = None
    tempo: float | None = None
    meter: tuple[int, int] | None = None
    key: str | None = None
    density: float | None = None


def measure(
    piece: events.Events,
    tempo: float | None = None,
    meter: tuple[int, int] | None = None,
    genre: str | None = None,
) -> Features:
    """Look at events (rests left out); what they do not say is taken as given."""
    notes = piece[piece[:, 2] != events.REST_NOTE]
    if len(notes) == 0:
        return Features(genre=genre, tempo=tempo, meter=meter)
    counts = Counter(NAME_OF[int(note) // 128] for note in notes[:, 2])
    heard = [name for name, n in counts.most_common() if n >= _LEAST_SHARE * len(notes)]
    span = int(notes[:, 0].max() - notes[:, 0].min()) + events.TICKS_PER_SECOND
    return Features(
        instruments=tuple(heard),
        genre=genre,
        tempo=tempo,
        meter=meter,
        key=key_of(notes),
        density=len(notes) * events.TICKS_PER_SECOND / span,
    )


def measure_midi(data: bytes, genre: str | None = None) -> Features:
    """Look at a Standard MIDI File; tempo and meter are those in force the longest.

    Raises:
        MidiError: the bytes are not a readable MIDI file.
    """
    piece = events.from_midi(data)
    tempo, meter = tempo_and_meter(data)
    return measure(piece, tempo, meter, genre)


def tempo_and_meter(data: bytes) -> tuple[float, tuple[int, int]]:
    """The tempo (quarter notes a minute) and meter in force the longest; 120 and 4/4 if none is."""
    return timing(data)[:2]


def timing(data: bytes) -> tuple[float, tuple[int, int], float]:
    """As :func:`tempo_and_meter`, and the share of time when the tempo is within 10 % of that."""
    file = ScoreSecond.from_midi(checked(bytes(data)) + _PADDING)
    end = float(file.end())
    tempos = _lasting([(t.time, round(t.qpm, 2)) for t in file.tempos], end) or {120.0: 1.0}
    meters = _lasting([(t.time, (t.numerator, t.denominator)) for t in file.time_signatures], end)
    tempo = max(tempos, key=lambda value: tempos[value])
    near = sum(time for value, time in tempos.items() if abs(value / tempo - 1) <= _STEADY)
    meter = max(meters, key=lambda value: meters[value], default=(4, 4))
    return tempo, meter, near / (sum(tempos.values()) or 1.0)


def key_of(notes: events.Events) -> str | None:
    """Key by correlation with tonal profiles, as in "A minor"; None of drums alone."""
    pitched = notes[notes[:, 2] // 128 != events.DRUMS]
    weights = np.bincount(pitched[:, 2] % 128 % 12, weights=pitched[:, 1], minlength=12)
    if not weights.any():
        return None
    level = key_of_weights(weights.astype(np.float64))
    return f"{TONICS[level % 12]} {'major' if level < 12 else 'minor'}"


def _lasting(changes: list[tuple[float, _Value]], end: float) -> dict[_Value, float]:
    """For how long each value is in force."""
    lasting: dict[_Value, float] = {}
    times = [time for time, _ in changes[1:]] + [max(end, changes[-1][0])] if changes else []
    for (start, value), stop in zip(changes, times, strict=True):
        lasting[value] = lasting.get(value, 0.0) + stop - start
    return lasting
