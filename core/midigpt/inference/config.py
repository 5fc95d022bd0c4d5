"""What to generate, and how: the request of one generation.

The fields, their defaults and the order of their names are those of MIDI-GPT 0.4.2, so requests
written for it work unchanged; what it does not have comes after them, switched off.
:func:`midigpt.inference.validate_request` tests the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from midigpt.inference.pitch_mask import (
    PITCH_SCALE_PRESETS,
    pitch_shape_weight,
    resolve_pitch_allow_set,
    validate_pitch_mask,
)
from midigpt.inference.remix import validate_remix
from midigpt.inference.rhythm_mask import (
    GRID_UNIT_FRACTIONS,
    resolve_rhythm_schedule,
    rhythm_grid_step_ticks,
    rhythm_grid_weight,
    validate_rhythm_mask,
)

__all__ = [
    "AUTO_FIELDS",
    "GRID_UNIT_FRACTIONS",
    "PITCH_SCALE_PRESETS",
    "GenerationRequest",
    "InferenceConfig",
    "TrackPrompt",
    "pitch_shape_weight",
    "resolve_pitch_allow_set",
    "resolve_rhythm_schedule",
    "rhythm_grid_step_ticks",
    "rhythm_grid_weight",
    "validate_pitch_mask",
    "validate_remix",
    "validate_rhythm_mask",
]

#: Fields of :class:`InferenceConfig` that take "auto", which is stored as 0.
AUTO_FIELDS = ("model_dim", "bars_per_step", "tracks_per_step")


@dataclass
class InferenceConfig:
    """How to sample and how to walk through the piece.

    Attributes:
        temperature: divides the logits; above 0.
        seed: of the random draws; negative means a random seed.
        max_attempts: how often a step is tried until its result is accepted; at least 1.
        novelty_check: refuse results as similar to the old content as ``novelty_threshold``.
        novelty_threshold: Jaccard similarity in (0, 1]; 1.0 refuses identical results only.
        silence_check: refuse results without a note.
        temperature_escalation: temperature factor from one attempt to the next; 1 to 3.
        bars_per_step: bars generated at once; 0 or "auto" lets the planner choose.
        tracks_per_step: tracks infilled at once; 0 or "auto" means all.
        model_dim: window length in bars; 0 or "auto" means the longest that fits.
        ar_overlap: share of the window kept as history of a track written left to right; [0, 1).
        min_overlap_bars: least number of history bars of such a track.
        plan_only: a flag for callers; a run does not look at it.
        context: "auto" drops whole context tracks when a prompt is too long, by attention;
            "listed" drops only those of ``context_drop``; "all" drops none.
        context_drop: ids of the tracks to drop first.
        context_keep: ids of the tracks never to drop.
        budget_margin: factor on the estimated length of the output; at least 1.
        shuffle: infill the steps in random order.
        mask_mode: how hidden bars are hidden: "auto", "token", "attention", "attention_approx",
            "attention_skip" or "remove".
        polyphony_hard_limit: most notes on one onset; 0 = no limit.
        density_hard_limit: most notes in one bar; 0 = no limit.
        top_p: nucleus sampling: smallest set of tokens with this probability; (0, 1].
        top_k: only the k most likely tokens; 0 = all.
        mask_p: leave out the most likely note tokens that hold this probability; [0, 1).
        mask_k: leave out the note tokens among the k most likely; 0 = none.
        batch_attempts: draw all attempts of a step as one batch.
        num_candidates: number of results of ``run_variations``; 1 to 16.
        infill_probability: share of the bars to infill, drawn at random; (0, 1].
        hold_density: keep the notes of every written bar within the level of note density that is
            asked for, if one is.
        follow_kick: how strongly a bass, written bar by bar, begins its notes with the kick drum,
            as played in that bar or, where that is not known, in the last one known: 0 = as the
            model likes, 1 = hardly anywhere else.
    """

    temperature: float = 1.0
    seed: int = -1
    max_attempts: int = 3
    novelty_check: bool = True
    novelty_threshold: float = 1.0
    silence_check: bool = True
    temperature_escalation: float = 1.0
    bars_per_step: int = 1
    tracks_per_step: int = 1
    model_dim: int = 4
    ar_overlap: float = 0.5
    min_overlap_bars: int = 2
    plan_only: bool = False
    context: str = "auto"
    context_drop: list[int] = field(default_factory=list)
    context_keep: list[int] = field(default_factory=list)
    budget_margin: float = 1.25
    shuffle: bool = False
    mask_mode: str = "auto"
    polyphony_hard_limit: int = 0
    density_hard_limit: int = 0
    top_p: float = 1.0
    top_k: int = 0
    mask_p: float = 0.0
    mask_k: int = 0
    batch_attempts: bool = False
    num_candidates: int = 1
    infill_probability: float = 1.0
    hold_density: bool = False
    follow_kick: float = 0.0

    def __post_init__(self) -> None:
        for name in AUTO_FIELDS:
            if getattr(self, name) == "auto":
                setattr(self, name, 0)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InferenceConfig:
        """Build from plain values; unknown keys are ignored, missing ones get their default."""
        return cls(**_known(cls, data, "config"))


@dataclass
class TrackPrompt:
    """What to do with one track of the score; every track needs exactly one.

    Attributes:
        id: index of the track in the score.
        bars: absolute numbers of the bars to generate. Empty with ``autoregressive`` = all.
        autoregressive: write the bars left to right instead of infilling them.
        ignore: leave the track out of the prompt; it is returned as it was.
        mask_bars: bars hidden from the model.
        attributes: level of each track attribute wanted, by name.
        controls: ``time_signature`` (index into the encoder's list), ``pitch_mask``,
            ``rhythm_mask``, ``remix``; see the modules of those names.
        bar_attributes: ``{bar: {bar attribute: level}}``, for bars to generate.
        bar_controls: ``{bar: {"time_signature": index}}``, for a track written from bar 0 on.
    """

    id: int
    bars: list[int]
    autoregressive: bool = False
    ignore: bool = False
    mask_bars: list[int] = field(default_factory=list)
    attributes: dict[str, int] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)
    bar_attributes: dict[int, dict[str, int]] = field(default_factory=dict)
    bar_controls: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrackPrompt:
        """Build from plain values; unknown keys are ignored, bar keys become integers.

        Raises:
            ValueError: ``id`` or ``bars`` is missing.
        """
        known = _known(cls, data, "track prompt")
        for name in ("id", "bars"):
            if name not in known:
                raise ValueError(f"track prompt: {name} is missing")
        for name in ("bar_attributes", "bar_controls"):
            if name in known:
                known[name] = {int(bar): dict(values) for bar, values in known[name].items()}
        return cls(**known)

    @property
    def writes_from_start(self) -> bool:
        """True for a track written left to right from bar 0 on (nothing of it is given)."""
        return self.autoregressive and (not self.bars or min(self.bars) == 0)


@dataclass
class GenerationRequest:
    """A whole request: one prompt per track, the configuration, and controls of the piece.

    ``controls``: ``velocity`` and ``microtiming`` (bool: write such tokens), ``genre`` (a name).
    """

    tracks: list[TrackPrompt]
    config: InferenceConfig = field(default_factory=InferenceConfig)
    controls: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GenerationRequest:
        """Build from nested dictionaries, as parsed from JSON.

        Raises:
            ValueError: ``tracks`` is missing or a track prompt lacks ``id`` or ``bars``.
        """
        known = _known(cls, data, "request")
        if "tracks" not in known:
            raise ValueError("request: tracks is missing")
        return cls(
            tracks=[TrackPrompt.from_dict(track) for track in known["tracks"]],
            config=InferenceConfig.from_dict(known.get("config") or {}),
            controls=dict(known.get("controls") or {}),
        )


def _known(cls: type[Any], data: Mapping[str, Any], what: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{what}: a dictionary is wanted, not {data!r}")
    names = {f.name for f in fields(cls)}
    return {key: value for key, value in data.items() if key in names}
