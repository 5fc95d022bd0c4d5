"""Holding pieces to a key, on request: the pitches that are drawn lean towards those of the key.

For models that do not hear a key in the words. Drums are left alone.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from midigpt import events
from midigpt.attributes.pitch import key_profile

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_KEY = re.compile(r"\b([A-G])([#♯b♭]?) (major|minor)\b")


def key_named(text: str) -> int | None:
    """The last key that a description names, as in "A minor"; None if none.

    Returns:
        0..11 C..B major, 12..23 C..B minor.
    """
    found = _KEY.findall(text)
    if not found:
        return None
    step, sign, mode = found[-1]
    return (_STEPS[step] + _SIGNS[sign]) % 12 + (12 if mode == "minor" else 0)


def key_bias(key: int, strength: float) -> NDArray[np.float32]:
    """What to add to the logits of all notes, shape ``(129 * 128,)``.

    Args:
        key: as :func:`key_named` returns it.
        strength: times the key's tonal profile, which is scaled to mean 0 and deviation 1. Where
            all pitches were alike, at 1 nine in ten are of the key instead of seven in twelve.
    """
    profile = key_profile(key)
    leaning = (profile - profile.mean()) / profile.std()
    bias = np.zeros((events.DRUMS + 1, 128), np.float32)
    bias[: events.DRUMS] = strength * leaning[np.arange(128) % 12]
    return bias.ravel()
