"""The attributes of one encoder, computed and reported together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from midigpt.attributes.base import ATTRIBUTE_REGISTRY, TOKEN_TYPE_TO_ATTRIBUTE, BaseAttribute
from midigpt.score import Score

if TYPE_CHECKING:
    from midigpt.encoder_config import EncoderConfig


class AttributeAnalyzer:
    """Computes a set of attributes; the order given is the order of its tables.

    A track attribute is stored in ``Track.attributes`` under its name, a bar attribute under
    ``bar_<token type>_<bar>``.
    """

    def __init__(self, attributes: Iterable[BaseAttribute]) -> None:
        self._attributes = {attribute.name: attribute for attribute in attributes}

    @classmethod
    def from_config(
        cls, config: EncoderConfig, emit_pitch_classes: bool = False
    ) -> AttributeAnalyzer:
        """The attributes of an encoder: of its vocabulary, then of its ``attribute_controls``.

        A control takes the place of the attribute with the same token type.

        Args:
            config: the encoder configuration.
            emit_pitch_classes: write tokens of pitch-class sets; see :class:`PitchClassSet`.

        Raises:
            KeyError: ``attribute_controls`` names an unknown attribute.
            ValueError: one of its parameters is out of range.
        """
        found: dict[str, BaseAttribute] = {}
        controls = [
            (control["name"], control.get("params") or {})
            for control in json.loads(config.attribute_controls_json)
        ]
        domains = [kind.name for kind, _ in config.token_domains]
        automatic = [TOKEN_TYPE_TO_ATTRIBUTE[d] for d in domains if d in TOKEN_TYPE_TO_ATTRIBUTE]
        for name, parameters in [*automatic, *controls]:
            if name == "pitch_class_set" and emit_pitch_classes:
                parameters = {"emit": True, **parameters}
            attribute = _create(name, parameters)
            found[attribute.token_type] = attribute
        return cls(found.values())

    def compute_track_tokens(self, score: Score, track_idx: int) -> dict[str, int]:
        """Levels of the attributes that apply to a track, by name."""
        return {
            a.name: a.measure(score, track_idx) for a in self._applicable(score, track_idx, "track")
        }

    def compute_bar_tokens(self, score: Score, track_idx: int, bar_idx: int) -> dict[str, int]:
        """Levels of the attributes that apply to a bar, by token type."""
        return {
            a.stored_type: a.measure(score, track_idx, bar_idx)
            for a in self._applicable(score, track_idx, "bar")
        }

    def compute_all(self, score: Score) -> list[dict[str, float]]:
        """Raw values of every track attribute for every track, whether it applies or not."""
        attributes = [a for a in self._attributes.values() if a.level == "track"]
        return [{a.name: a.compute(score, t) for a in attributes} for t in range(len(score.tracks))]

    def evaluate(
        self, requested: dict[str, int], realized_score: Score, track_idx: int
    ) -> dict[str, float]:
        """1.0 for every requested track attribute that the track has, 0.0 for the others.

        Names of attributes that are unknown, or not of tracks, are left out.
        """
        known = {n: self._attributes[n] for n in requested if n in self._attributes}
        return {
            name: float(attribute.measure(realized_score, track_idx) == requested[name])
            for name, attribute in known.items()
            if attribute.level == "track"
        }

    def report(
        self, result_score: Score, track_idx: int, requested: dict[str, int] | None = None
    ) -> dict[str, Any]:
        """What a generated track was told to be, was asked to be, and is.

        Returns:
            ``{"track": {name: entry}, "bars": [{name: entry}, ...]}``. An entry has ``sampled``
            (the level in ``track.attributes``, or None), ``realized`` (the level of the notes),
            ``requested`` (or None), ``consistent`` (sampled is realized; None if not sampled) and
            ``achieved`` (realized is requested; None if not requested).
        """
        requested = requested or {}
        track = result_score.tracks[track_idx]

        def entry(attribute: BaseAttribute, keys: list[str], bar: int | None) -> dict[str, Any]:
            sampled = next((track.attributes[k] for k in keys if k in track.attributes), None)
            realized = attribute.measure(result_score, track_idx, bar)
            wanted = requested.get(attribute.name)
            return {
                "sampled": sampled,
                "realized": realized,
                "requested": wanted,
                "consistent": None if sampled is None else sampled == realized,
                "achieved": None if wanted is None else realized == wanted,
            }

        return {
            "track": {
                a.name: entry(a, [a.name], None)
                for a in self._applicable(result_score, track_idx, "track")
            },
            "bars": [
                {
                    a.name: entry(a, _bar_keys(a, b), b)
                    for a in self._applicable(result_score, track_idx, "bar")
                }
                for b in range(len(track.bars))
            ],
        }

    def get(self, name: str) -> BaseAttribute | None:
        """The attribute of this name, if there is one."""
        return self._attributes.get(name)

    def attribute_sizes(self) -> dict[str, int]:
        """Number of levels by name."""
        return {name: a.size for name, a in self._attributes.items()}

    def attribute_levels(self) -> dict[str, str]:
        """``"track"`` or ``"bar"`` by name."""
        return {name: a.level for name, a in self._attributes.items()}

    def attribute_track_types(self) -> dict[str, str]:
        """``"melodic"``, ``"drum"`` or ``"both"`` by name."""
        return {name: a.track_type for name, a in self._attributes.items()}

    def attribute_value_labels(self) -> dict[str, list[str]]:
        """Labels of the levels by name, for attributes that have them."""
        labels = {name: a.value_labels() for name, a in self._attributes.items()}
        return {name: value for name, value in labels.items() if value is not None}

    def token_domain_specs(self) -> list[tuple[str, int]]:
        """Token type and number of levels of every attribute, for the vocabulary."""
        return [(a.token_type, a.size) for a in self._attributes.values()]

    def _applicable(self, score: Score, track_idx: int, level: str) -> list[BaseAttribute]:
        track_type = score.tracks[track_idx].track_type
        return [
            a for a in self._attributes.values() if a.level == level and a.applies_to(track_type)
        ]


def _create(name: str, parameters: dict[str, Any]) -> BaseAttribute:
    if name not in ATTRIBUTE_REGISTRY:
        known = ", ".join(sorted(ATTRIBUTE_REGISTRY))
        raise KeyError(f"attribute_controls: unknown attribute {name!r}; known are {known}")
    try:
        return ATTRIBUTE_REGISTRY[name](**parameters)
    except TypeError as error:
        raise ValueError(f"attribute_controls: {name} with params {parameters}: {error}") from None


def _bar_keys(attribute: BaseAttribute, bar: int) -> list[str]:
    """Where a bar's level may be stored: by the decoder, by the analyzer, by their common type."""
    types = [attribute.stored_type, attribute.token_type]
    if attribute.name == "pitch_class_set":
        types.append("PitchClassSet")
    return [f"bar_{kind}_{bar}" for kind in types]
