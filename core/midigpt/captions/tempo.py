"""The tempo of music, told from its notes alone, in quarter notes a minute.

Onsets that keep a pulse are whole beats apart, so the counts of their distances swing with the beat
and its halves and quarters: that finds a pulse. Whether quarter notes are as fast, or half, twice,
three halves as fast, a conditional logit model (McFadden, 1974) tells by what each answer makes of
the notes: how far apart they are in quarters, how long they last, which other pulses they keep, all
of them and some parts, and how usual the tempo is. Its weights (``tempo.json``) are fitted on music
of known tempo, by ``python -m midigpt.training.tempo``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt import events
from midigpt.general_midi import BASSES, KICKS

Floats: TypeAlias = NDArray[np.float64]
Ticks: TypeAlias = NDArray[np.int32]

_LEAST_ONSETS = 8
_TOGETHER = 2  # ticks: onsets so near are one
#: What quarter notes may be, as multiples of the pulse that is found.
_LEVELS = np.array([1, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2, 3, 4])
_SLOWEST, _FASTEST = 30.0, 320.0
_PULSES = np.geomspace(40.0, 240.0, 450, dtype=np.float64)
_USUAL = np.exp(-0.5 * np.log2(_PULSES / 110.0) ** 2)
_LONGEST = 600  # ticks between two onsets that are compared: a tempo may drift
_LAGS = np.arange(1, _LONGEST)
_FADING = 0.5 + 0.5 * np.cos(np.pi * _LAGS / _LONGEST)
#: Note values in quarters, as powers of two, that distances and durations are shared out between.
_VALUES = np.arange(-4, 3.5, 0.5)
#: Other pulses, as multiples of that of quarters.
_MULTIPLES = np.array([1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4, 6, 8])

#: Keys of the drum kit in General MIDI; rides are as hi-hats.
_KIT = {"kick": sorted(KICKS), "snare": (37, 38, 39, 40), "hat": (42, 44, 46, 51, 53, 59)}
_LOW, _HIGH, _CHORD = 48, 60, 3  # pitches; notes at once

#: What weights there are, and how many of each: two of each part, and two of the whole.
PARTS = ("all", "kick", "snare", "hat", "bass", "melody", "chords")
SHAPE = {
    f"{what} of {part}": n for part in PARTS for what, n in (("pulses", 13), ("distances", 15))
}
SHAPE |= {"durations": 15, "tempo": 2}


def estimate_tempo(piece: events.Events) -> float | None:
    """The tempo in quarter notes a minute; None of fewer than 8 onsets."""
    found = candidates(piece)
    if found is None:
        return None
    tempos, features = found
    return float(tempos[np.argmax(features @ _weights())])


def candidates(piece: events.Events) -> tuple[Floats, Floats] | None:
    """Tempos that quarter notes may have, and what speaks for each.

    Returns:
        Tempos ``(n,)`` and features ``(n, 213)``, in the order of :data:`SHAPE`; None of fewer than
        8 onsets.
    """
    notes = piece[piece[:, 2] != events.REST_NOTE]
    parts = _parts(notes)
    if len(parts["all"]) < _LEAST_ONSETS:
        return None
    counts = {name: _counts(onsets) for name, onsets in parts.items()}
    # a random train of onsets scores about 0.6, so that what is usual decides
    score = np.maximum(_swings() @ counts["all"] + 0.6, 0) * _USUAL
    tempos = _PULSES[np.argmax(score)] * _LEVELS
    tempos = tempos[(tempos >= _SLOWEST) & (tempos <= _FASTEST)]
    pitched = notes[notes[:, 2] < 128 * events.DRUMS]
    usual = np.log2(tempos / 110.0)
    swing = _swing(tempos[:, None] * _MULTIPLES)
    features = []
    for name in PARTS:
        features += [swing @ counts[name], _shares(np.diff(parts[name]), tempos)]
    features += [_shares(pitched[:, 1], tempos), np.stack([usual, usual**2], axis=1)]
    return tempos, np.concatenate(features, axis=1)


def _parts(notes: events.Events) -> dict[str, Ticks]:
    """Onsets of all notes and of those of each part."""
    times, (instruments, pitches) = notes[:, 0], np.divmod(notes[:, 2], 128)
    drums = instruments == events.DRUMS
    low = ~drums & (np.isin(instruments, BASSES) | (pitches < _LOW))
    found = {name: _onsets(times[drums & np.isin(pitches, keys)]) for name, keys in _KIT.items()}
    found |= {"all": _onsets(times), "bass": _onsets(times[low])}
    pitched = _onsets(times[~drums])
    at = np.searchsorted(pitched, times[~drums], side="right") - 1
    highest = np.zeros(len(pitched), dtype=np.int32)
    np.maximum.at(highest, at, pitches[~drums])
    together = np.bincount(at, minlength=len(pitched))
    return found | {"melody": pitched[highest >= _HIGH], "chords": pitched[together >= _CHORD]}


def _onsets(times: Ticks) -> Ticks:
    onsets = np.unique(times)
    return onsets[np.diff(onsets, prepend=-_LONGEST) > _TOGETHER]


def _counts(onsets: Ticks) -> Floats:
    """Shares of the distances between any two onsets, 1 tick to 599, far ones weighing less."""
    distances = onsets[None, :] - onsets[:, None]
    near = distances[(distances > 0) & (distances < _LONGEST)]
    counts = np.bincount(near, minlength=_LONGEST)[1:] * _FADING
    shares: Floats = counts / max(counts.sum(), 1e-9)
    return shares


def _swing(tempos: Floats) -> Floats:
    """How each pulse goes up and down with the distance: 1 whole beats, -1 half beats apart."""
    beats = tempos[..., None] / 60 * _LAGS / events.TICKS_PER_SECOND
    swing: Floats = np.cos(2 * np.pi * beats)
    return swing


@cache
def _swings() -> Floats:
    return _swing(_PULSES) + _swing(2 * _PULSES) + _swing(4 * _PULSES)


def _shares(ticks: Ticks, tempos: Floats) -> Floats:
    """Shares of times near each note value, at each tempo; 0 where there are none."""
    if len(ticks) == 0:
        return np.zeros((len(tempos), len(_VALUES)))
    quarters = np.maximum(ticks, 1) / events.TICKS_PER_SECOND * tempos[:, None] / 60
    values = np.clip(np.log2(quarters), _VALUES[0], _VALUES[-1])
    near = np.maximum(0, 1 - np.abs(values[:, :, None] - _VALUES) / 0.5)
    shares: Floats = near.mean(axis=1)
    return shares


@cache
def _weights() -> Floats:
    table = json.loads(files(__package__).joinpath("tempo.json").read_text())
    return np.concatenate([table[name] for name in SHAPE])
