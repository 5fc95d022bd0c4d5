"""Tests of :class:`~midigpt.inference.config.InferenceConfig`."""

from __future__ import annotations

import logging

from midigpt._native import TokenType, Vocabulary
from midigpt.encoder_config import EncoderConfig
from midigpt.inference import checks
from midigpt.inference.config import GenerationRequest, InferenceConfig
from midigpt.score import Score

MASK_MODES = ("token", "attention", "attention_approx", "attention_skip", "remove")
CONTEXT_MODES = ("auto", "listed", "all")
MAX_CANDIDATES = 16
MAX_ESCALATION = 3.0

_log = logging.getLogger(__name__)


def resolve_model_dim(config: InferenceConfig, score: Score, encoder: EncoderConfig) -> None:
    """Choose the window length if it is to be chosen; otherwise test it."""
    lengths = sorted(encoder.num_bars_map)
    if config.model_dim is None:
        config.model_dim = 0
    checks.integer("model_dim", config.model_dim)
    if not lengths:
        checks.integer("model_dim", config.model_dim, 1)
    elif config.model_dim <= 0:
        shortest = min((len(track.bars) for track in score.tracks), default=0)
        config.model_dim = max((n for n in lengths if n <= shortest), default=lengths[0])
    elif config.model_dim not in lengths:
        raise ValueError(
            f"model_dim is {config.model_dim}; "
            f"one of {', '.join(map(str, lengths))} is wanted (or 0, to choose)"
        )


def check_bounds(request: GenerationRequest) -> None:
    """Test every single value."""
    config = request.config
    checks.integer("bars_per_step", config.bars_per_step, 0, config.model_dim)
    checks.integer("tracks_per_step", config.tracks_per_step, 0)
    checks.number("ar_overlap", config.ar_overlap, 0, 1, include="[)")
    checks.choice("context", config.context, CONTEXT_MODES)
    ids = {prompt.id for prompt in request.tracks}
    for name in ("context_drop", "context_keep"):
        for track in checks.sequence(name, getattr(config, name)):
            if track not in ids:
                raise ValueError(f"{name} holds {track!r}; one of {_listed(ids)} is wanted")
    checks.number("budget_margin", config.budget_margin, 1)
    checks.integer("min_overlap_bars", config.min_overlap_bars, 0)
    checks.integer("max_attempts", config.max_attempts, 1)
    checks.integer("num_candidates", config.num_candidates, 1, MAX_CANDIDATES)
    checks.number("temperature", config.temperature, 0, include="(]")
    checks.number("infill_probability", config.infill_probability, 0, 1, include="(]")
    checks.number("temperature_escalation", config.temperature_escalation, 1)
    if config.temperature_escalation > MAX_ESCALATION:
        _log.warning(
            "temperature_escalation is %g; limited to %g",
            config.temperature_escalation,
            MAX_ESCALATION,
        )
        config.temperature_escalation = MAX_ESCALATION
    checks.number("top_p", config.top_p, 0, 1, include="(]")
    checks.number("novelty_threshold", config.novelty_threshold, 0, 1, include="(]")
    checks.number("mask_p", config.mask_p, 0, 1, include="[)")
    for name in ("top_k", "mask_k", "polyphony_hard_limit", "density_hard_limit"):
        checks.integer(name, getattr(config, name), 0)
    checks.boolean("hold_density", config.hold_density)
    checks.number("follow_kick", config.follow_kick, 0, 1)
    checks.integer("seed", config.seed)


def check_mask_filters(config: InferenceConfig) -> None:
    """Test that top_p and top_k leave something that mask_p and mask_k do not take away."""
    if config.mask_p > 0 and config.top_p < 1 and config.mask_p >= config.top_p:
        raise ValueError(f"mask_p is {config.mask_p}; less than top_p = {config.top_p} is wanted")
    if config.mask_k > 0 and config.top_k > 0 and config.mask_k >= config.top_k:
        raise ValueError(f"mask_k is {config.mask_k}; less than top_k = {config.top_k} is wanted")


def resolve_mask_mode(config: InferenceConfig, vocabulary: Vocabulary) -> None:
    """Choose how bars are hidden if it is to be chosen; otherwise test it (defect tag D10)."""
    has_token = vocabulary.has(TokenType.MaskBar)
    if config.mask_mode == "auto":
        config.mask_mode = "token" if has_token else "attention"
    checks.choice("mask_mode", config.mask_mode, MASK_MODES)
    if config.mask_mode == "token" and not has_token:
        raise ValueError(
            "mask_mode is 'token', but this checkpoint has no MaskBar token; "
            "one of attention, attention_skip, remove is wanted"
        )


def _listed(ids: set[int]) -> str:
    return ", ".join(str(i) for i in sorted(ids)) or "no track ids"
