"""Tests of the track prompts: ids, bars to generate, bars to hide."""

from __future__ import annotations

from collections.abc import Collection

from midigpt.encoder_config import EncoderConfig
from midigpt.inference import checks
from midigpt.inference.config import GenerationRequest, TrackPrompt
from midigpt.score import Score


def check_prompts(request: GenerationRequest, score: Score) -> None:
    """Test that every track has one prompt, and that its bars make sense.

    Lists all bars of a track that is to be written as a whole.
    """
    if not request.tracks:
        raise ValueError("tracks is empty; one prompt per track of the score is wanted")
    ids = {prompt.id for prompt in request.tracks}
    for index in range(len(score.tracks)):
        if index not in ids:
            raise ValueError(f"tracks has no prompt with id {index}; every track needs one")
    seen: set[int] = set()
    for prompt in request.tracks:
        prompt.id = checks.integer("track prompt: id", prompt.id, 0, len(score.tracks) - 1)
        if prompt.id in seen:
            raise ValueError(f"track prompt: id {prompt.id} occurs twice; once is wanted")
        seen.add(prompt.id)
        _check_bars(prompt, score)


def check_targets(request: GenerationRequest, encoder: EncoderConfig) -> None:
    """Test that there is something to generate, and that the checkpoint can."""
    if not any(prompt.bars for prompt in request.tracks):
        raise ValueError("tracks list no bars to generate; at least one is wanted")
    if not encoder.supports_infill:
        for prompt in request.tracks:
            if prompt.bars and not prompt.autoregressive:
                raise ValueError(
                    f"track {prompt.id}: autoregressive is False; "
                    "True is wanted, as this checkpoint cannot infill"
                )


def _check_bars(prompt: TrackPrompt, score: Score) -> None:
    name = f"track {prompt.id}"
    bars = score.tracks[prompt.id].bars
    if prompt.autoregressive and prompt.ignore:
        raise ValueError(f"{name}: both autoregressive and ignore are set; at most one is wanted")
    if prompt.ignore and prompt.bars:
        raise ValueError(f"{name}: bars is {prompt.bars}; none is wanted, as the track is ignored")
    if prompt.autoregressive and not prompt.bars:
        prompt.bars = list(range(len(bars)))
    prompt.bars = _bar_numbers(f"{name}: bars", prompt.bars, len(bars))
    prompt.mask_bars = _bar_numbers(f"{name}: mask_bars", prompt.mask_bars, len(bars))
    if prompt.ignore and prompt.mask_bars:
        raise ValueError(
            f"{name}: mask_bars is {prompt.mask_bars}; none is wanted, as the track is ignored"
        )
    both = sorted(set(prompt.bars) & set(prompt.mask_bars))
    if both:
        raise ValueError(f"{name}: bar {both[0]} is in bars and in mask_bars; only one is wanted")
    if prompt.autoregressive and sorted(prompt.bars) != list(range(min(prompt.bars), len(bars))):
        raise ValueError(
            f"{name}: bars is {prompt.bars}; each bar from one bar to the last, {len(bars) - 1}, "
            "is wanted once, as autoregressive is set"
        )
    for number in prompt.bars:
        if bars[number].future:
            raise ValueError(f"{name}: bar {number} is to be generated but has future=True")


def _bar_numbers(name: str, numbers: Collection[int], count: int) -> list[int]:
    return [checks.integer(name, number, 0, count - 1) for number in checks.sequence(name, numbers)]
