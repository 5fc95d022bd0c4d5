"""What an attribute is, and the two tables that find one by name or by token type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from midigpt.score import Note, Score, Track


class BaseAttribute(ABC):
    """A number computed from the notes of one track or one bar, and its level (token value)."""

    #: Name in requests, reports and, for track attributes, in ``Track.attributes``.
    name: str
    #: Token type in the vocabulary (may be one that no vocabulary has).
    token_type: str
    #: ``"track"`` or ``"bar"``.
    level: str = "track"
    #: Tracks it applies to: ``"melodic"``, ``"drum"`` or ``"both"``.
    track_type: str = "melodic"
    #: Number of levels; they are 0..size-1.
    size: int

    @abstractmethod
    def compute(self, score: Score, track_idx: int, bar_idx: int | None = None) -> float:
        """The raw value of a track, or of bar ``bar_idx`` for a bar attribute."""

    def quantize(self, value: float) -> int:
        """The level of a raw value."""
        return clamp(int(value), 0, self.size - 1)

    def dequantize(self, quantized: int) -> float:
        """The raw value of a level, where it is known; NotImplementedError otherwise."""
        raise NotImplementedError(f"{self.name} has no raw value for a level")

    def measure(self, score: Score, track_idx: int, bar_idx: int | None = None) -> int:
        """The level of a track or bar as it is."""
        return self.quantize(self.compute(score, track_idx, bar_idx))

    def achievable_range(
        self, fixed_score: Score, track_idx: int, generated_bars: Collection[int]
    ) -> tuple[int, int]:
        """Lowest and highest level within reach when only ``generated_bars`` may change."""
        return 0, self.size - 1

    def notes_in_bar(self, track: Track, level: int) -> tuple[int, int] | None:
        """Least and most notes (0 = any number) of a bar that keep a track on a level.

        None for attributes that do not count notes.
        """
        return None

    def value_labels(self) -> list[str] | None:
        """A label for each level, if they have names."""
        return None

    def applies_to(self, track_type: str) -> bool:
        """Whether tracks of this type have the attribute."""
        return self.track_type in ("both", track_type)

    @property
    def stored_type(self) -> str:
        """The token type in keys ``bar_<type>_<bar>`` of ``Track.attributes``."""
        return self.token_type


#: Attribute classes by the name that ``attribute_controls`` of an encoder configuration uses.
ATTRIBUTE_REGISTRY: dict[str, Callable[..., BaseAttribute]] = {}

#: Registry name and parameters of the attribute behind a token type of a vocabulary.
TOKEN_TYPE_TO_ATTRIBUTE: dict[str, tuple[str, dict[str, Any]]] = {
    "NoteDensity": ("note_density_quantile", {}),
    "BarLevelOnsetDensity": ("note_density_quantile", {"level": "bar"}),
    "MinPolyphony": ("polyphony_quantile", {"mode": "min"}),
    "MaxPolyphony": ("polyphony_quantile", {"mode": "max"}),
    "BarLevelOnsetPolyphonyMin": ("polyphony_quantile", {"mode": "min", "level": "bar"}),
    "BarLevelOnsetPolyphonyMax": ("polyphony_quantile", {"mode": "max", "level": "bar"}),
    "MinNoteDuration": ("note_duration_quantile", {"mode": "min"}),
    "MaxNoteDuration": ("note_duration_quantile", {"mode": "max"}),
    "KeySignature": ("key_signature", {}),
    "TrackLevelPitchRangeMax": ("pitch_range", {}),
    "TrackLevelSilenceProportionMax": ("silence_proportion", {}),
    "BarLevelPitchClassSet": ("pitch_class_set", {}),
    "TrackLevelNomml": ("nomml", {}),
}

_Attribute = TypeVar("_Attribute", bound=type[BaseAttribute])


def register(name: str) -> Callable[[_Attribute], _Attribute]:
    """Class decorator: enter an attribute into :data:`ATTRIBUTE_REGISTRY`."""

    def enter(cls: _Attribute) -> _Attribute:
        ATTRIBUTE_REGISTRY[name] = cls
        return cls

    return enter


def clamp(value: int, low: int, high: int) -> int:
    """``value`` moved into low..high."""
    return max(low, min(value, high))


def one_of(name: str, value: str, *allowed: str) -> str:
    """``value`` if it is allowed; otherwise a ValueError that names the argument."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; one of {', '.join(map(repr, allowed))} is wanted")
    return value


def notes_of(score: Score, track_idx: int, bar_idx: int | None = None) -> list[Note]:
    """The notes of a track, or of one of its bars."""
    bars = score.tracks[track_idx].bars
    if bar_idx is not None:
        return bars[bar_idx].notes
    return [note for bar in bars for note in bar.notes]


def without_bars(score: Score, track_idx: int, bars: Collection[int]) -> Score:
    """``score`` with some bars of one track emptied; everything else is shared."""
    track = score.tracks[track_idx]
    emptied = [replace(bar, notes=[]) if b in bars else bar for b, bar in enumerate(track.bars)]
    tracks = list(score.tracks)
    tracks[track_idx] = replace(track, bars=emptied)
    return replace(score, tracks=tracks)
