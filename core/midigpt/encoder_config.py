"""Encoder configurations: JSON on one side, the core's typed values on the other.

The keys are those of the files in ``models/encoders`` and of the ``encoder_config`` that each
checkpoint embeds. Unknown keys are ignored, as published files carry some.
"""

from __future__ import annotations

import json
from typing import Any

from midigpt import _native

_PLAIN_KEYS = (
    "resolution",
    "decode_resolution",
    "velocity_levels",
    "velocity_sticky",
    "note_duration_max_beats",
    "emit_delta_tokens",
    "switchable_velocity",
    "switchable_microtiming",
    "supports_infill",
    "supports_mask_bar_token",
)
_LIST_KEYS = ("num_bars_map", "instrument_merge_groups")


class EncoderConfig(_native.EncoderConfig):
    """What an encoder can say; see ``core/cpp/tokens/encoder_config.hpp`` for the fields."""

    @classmethod
    def from_json(cls, text: str) -> EncoderConfig:
        """Parse JSON text.

        Raises:
            ValueError: not JSON, or a key has a value outside its range.
        """
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EncoderConfig:
        """Build from a parsed configuration; raises ValueError as :meth:`from_json`."""
        if not isinstance(data, dict):
            raise ValueError(f"encoder configuration: a JSON object is wanted, not {data!r}")
        config = cls()
        for key in (*_PLAIN_KEYS, *_LIST_KEYS):
            if data.get(key) is not None:
                try:
                    setattr(config, key, data[key])
                except TypeError:
                    raise ValueError(f"encoder configuration: {key} is {data[key]!r}") from None
        config.pitch_min, config.pitch_max = _pair("pitch_range", data.get("pitch_range", [0, 127]))
        config.time_signatures = [_signature(s) for s in data.get("time_signatures") or []]
        if data.get("genre_groups"):
            config.genre_grouping = _native.GenreGrouping(data["genre_groups"])
        config.token_domains = [
            (_native.token_type_from_name(d["type"]), d["domain_size"])
            for d in data.get("token_domains") or []
        ]
        config.attribute_controls_json = json.dumps(data.get("attribute_controls") or [])
        if config.switchable_microtiming:
            config.emit_delta_tokens = True
        return config

    def to_dict(self) -> dict[str, Any]:
        """Every key that has a value, with canonical token type names."""
        data: dict[str, Any] = {key: getattr(self, key) for key in _PLAIN_KEYS}
        data["pitch_range"] = [self.pitch_min, self.pitch_max]
        if self.num_bars_map:
            data["num_bars_map"] = list(self.num_bars_map)
        if self.time_signatures:
            data["time_signatures"] = [f"{n}/{d}" for n, d in self.time_signatures]
        if self.instrument_merge_groups:
            data["instrument_merge_groups"] = [list(g) for g in self.instrument_merge_groups]
        if self.genre_grouping is not None:
            data["genre_groups"] = self.genre_grouping.groups
        controls = json.loads(self.attribute_controls_json)
        if controls:
            data["attribute_controls"] = controls
        if self.token_domains:
            data["token_domains"] = [
                {"type": kind.name, "domain_size": size} for kind, size in self.token_domains
            ]
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as JSON, for processes that share a configuration."""
        return type(self).from_json, (self.to_json(),)

    def to_json(self) -> str:
        """JSON text with sorted keys, indented by 4."""
        return json.dumps(self.to_dict(), sort_keys=True, indent=4)


def _pair(key: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"encoder configuration: {key} is {value!r}; two numbers are wanted")
    return value[0], value[1]


def _signature(text: str) -> tuple[int, int]:
    numerator, slash, denominator = str(text).partition("/")
    if not slash or not numerator.isdigit() or not denominator.isdigit() or int(denominator) == 0:
        raise ValueError(
            f'encoder configuration: time signature {text!r}; "numerator/denominator" is wanted'
        )
    return int(numerator), int(denominator)
