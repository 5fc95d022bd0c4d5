"""What a session must know of the checkpoint, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from midigpt_server.timing.bars import Meter

_LEGACY_ATTRIBUTES = (
    "tension",
    "note_density",
    "min_polyphony",
    "max_polyphony",
    "min_note_duration",
    "max_note_duration",
)


@dataclass(frozen=True)
class AttributeInfo:
    """An attribute the checkpoint knows: levels 0..size-1, ``"track"`` or ``"bar"`` level,
    ``"melodic"``, ``"drum"`` or ``"both"``."""

    size: int
    level: str
    track_type: str


@dataclass(frozen=True)
class ModelInfo:
    """The checkpoint as sessions see it.

    ``window_lengths`` in bars and ``meters`` are empty when every value will do;
    ``decode_resolution`` is in ticks per quarter note; ``models`` are what an agent may play with.
    """

    window_lengths: tuple[int, ...] = ()
    meters: tuple[Meter, ...] = ()
    has_mask_token: bool = True
    attributes: dict[str, AttributeInfo] = field(default_factory=dict)
    decode_resolution: int = 1920
    models: tuple[str, ...] = ("gpt2",)

    @property
    def mask_mode(self) -> str:
        """The mask mode that works by default (D01)."""
        return "token" if self.has_mask_token else "attention_skip"

    def capabilities(self) -> dict[str, Any]:
        """The object of ``/midigpt/capabilities``."""
        return {
            **{name: name in self.attributes for name in _LEGACY_ATTRIBUTES},
            "supports_token_mask": self.has_mask_token,
            "supports_attention_mask": True,
            "supports_attention_approx": True,
            "supports_attention_skip": True,
            "supports_remove": True,
        }

    def details(self) -> dict[str, Any]:
        """The object of ``/midigpt/model``."""
        return {
            "attributes": {name: vars(info) for name, info in self.attributes.items()},
            "window_lengths": list(self.window_lengths),
            "meters": [str(meter) for meter in self.meters],
            "mask_mode": self.mask_mode,
            "models": list(self.models),
        }
