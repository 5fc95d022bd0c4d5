"""``controls["pitch_mask"]``: which pitches a track may use, and which it prefers.

A hard set, from the first of these that is present:

* ``pitches``: MIDI pitches, 0..127
* ``scale`` (a key of :data:`PITCH_SCALE_PRESETS`) on ``root`` (0 = C, the default)
* ``pitch_classes``: 0 = C .. 11 = B

and a soft ``shape`` that weighs the probabilities: ``{"type": "uniform", "min": 0, "max": 127}`` or
``{"type": "normal", "mean": 60, "std": 12}``. Both are optional and may be combined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from midigpt.inference import checks

#: Scale degrees of each preset, in semitones above the root.
PITCH_SCALE_PRESETS: dict[str, tuple[int, ...]] = {
    "chromatic": tuple(range(12)),
    "major": (0, 2, 4, 5, 7, 9, 11),
    "natural_minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic_minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major_pentatonic": (0, 2, 4, 7, 9),
    "minor_pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole_tone": (0, 2, 4, 6, 8, 10),
}

_PITCH_COUNT = 128
_SHAPES = ("uniform", "normal")


def resolve_pitch_allow_set(pitch_mask: Mapping[str, Any] | None) -> set[int] | None:
    """The allowed MIDI pitches, or None if the mask (or its absence) allows all.

    Raises:
        ValueError: a malformed hard set; see :func:`validate_pitch_mask`.
    """
    if not pitch_mask:
        return None
    if "pitches" in pitch_mask:
        return {
            checks.integer("pitch_mask.pitches", pitch, 0, _PITCH_COUNT - 1)
            for pitch in checks.sequence("pitch_mask.pitches", pitch_mask["pitches"])
        }
    if "scale" in pitch_mask:
        degrees = PITCH_SCALE_PRESETS[
            checks.choice("pitch_mask.scale", pitch_mask["scale"], PITCH_SCALE_PRESETS)
        ]
        root = checks.integer("pitch_mask.root", pitch_mask.get("root", 0))
        classes = {(root + degree) % 12 for degree in degrees}
    elif "pitch_classes" in pitch_mask:
        classes = {
            checks.integer("pitch_mask.pitch_classes", pitch_class) % 12
            for pitch_class in checks.sequence(
                "pitch_mask.pitch_classes", pitch_mask["pitch_classes"]
            )
        }
    else:
        return None
    return {pitch for pitch in range(_PITCH_COUNT) if pitch % 12 in classes}


def pitch_shape_weight(shape: Mapping[str, Any] | None, pitch: int) -> float:
    """The factor, 0..1, on the probability of ``pitch``; 1 without a shape."""
    if not shape:
        return 1.0
    if shape["type"] == "uniform":
        return 1.0 if shape.get("min", 0) <= pitch <= shape.get("max", _PITCH_COUNT - 1) else 0.0
    deviation = (pitch - shape.get("mean", 60)) / shape.get("std", 12)
    return math.exp(-0.5 * deviation * deviation)


def validate_pitch_mask(pitch_mask: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the key, if ``pitch_mask`` is malformed or allows no pitch."""
    checks.mapping("pitch_mask", pitch_mask, ("pitches", "scale", "root", "pitch_classes", "shape"))
    if "scale" in pitch_mask and "pitch_classes" in pitch_mask:
        raise ValueError("pitch_mask has both scale and pitch_classes; only one of them is wanted")
    allowed = resolve_pitch_allow_set(pitch_mask)
    if allowed is not None and not allowed:
        raise ValueError("pitch_mask allows no pitch; at least one is wanted")
    if pitch_mask.get("shape") is not None:
        _validate_shape(pitch_mask["shape"])


def _validate_shape(shape: Any) -> None:
    name = "pitch_mask.shape"
    if not isinstance(shape, Mapping) or "type" not in shape:
        raise ValueError(f'{name} is {shape!r}; a dictionary with the key "type" is wanted')
    if checks.choice(f"{name}.type", shape["type"], _SHAPES) == "normal":
        checks.number(f"{name}.mean", shape.get("mean", 60), -math.inf)
        checks.number(f"{name}.std", shape.get("std", 12), 0, include="(]")
        return
    low = checks.number(f"{name}.min", shape.get("min", 0), -math.inf)
    high = checks.number(f"{name}.max", shape.get("max", _PITCH_COUNT - 1), -math.inf)
    if low > high:
        raise ValueError(f"{name}.min is {low:g}; at most {name}.max = {high:g} is wanted")
