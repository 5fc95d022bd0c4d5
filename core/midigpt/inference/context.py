"""Makes the prompts of a request fit into the model's context, before anything is generated.

What a step will need is estimated from its prompt and from the length of similar bars. If it is too
much, context tracks are left out, the least useful first, or the steps are made smaller.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from midigpt._native import TokenType
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.model.interface import AttentionProbe, LanguageModel
from midigpt.inference.prompt import PromptWriter, StepPrompt
from midigpt.inference.relevance import relevance
from midigpt.tokenizer.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary

_MAX_ROUNDS = 16
#: Tokens of a bar without notes: Bar, TimeSig, BarEnd and one for whatever hides it.
_EMPTY_BAR = 4
#: Tokens per note, and per bar, where there is nothing to learn from.
_NOTE_TOKENS = {"melodic": 3.5, "drum": 2.5}
_BAR_TOKENS = {"melodic": 40, "drum": 60}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """An ensemble whose prompts fit, as far as possible; ``dropped`` has caller's numbers."""

    ensemble: Ensemble
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Measured:
    """A step with its prompt, the tokens of each track in it, and the tokens it will need."""

    prompt: StepPrompt
    track_tokens: list[range]
    need: float


def fit_context(
    ensemble: Ensemble, model: LanguageModel, tokenizer: Tokenizer, parity: bool = False
) -> Fit:
    """Leave out context tracks, or make steps smaller, until every step fits.

    If nothing helps, the result may still be too long; a run then tries shorter windows.
    """
    is_auto = ensemble.config.tracks_per_step == 0, ensemble.config.bars_per_step == 0
    drop: list[int] = []
    for _ in range(_MAX_ROUNDS):
        writer = PromptWriter(ensemble, tokenizer, parity)
        steps = [
            _measure(writer.write(ensemble.score, step), ensemble, tokenizer.vocabulary)
            for step in ensemble.plan()
        ]
        limit = model.n_positions
        if all(step.need < limit for step in steps):
            return Fit(ensemble)
        drop, fits = _tracks_to_drop(steps, ensemble, model)
        smaller = None if fits else _with_smaller_steps(ensemble, *is_auto)
        if smaller is None:
            break
        ensemble = smaller
    dropped = tuple(sorted(ensemble.numbers[track] for track in drop))
    if dropped:
        _log.warning("left out of the prompt, which is too long: tracks %s", dropped)
    return Fit(ensemble.without(drop), dropped)


def _tracks_to_drop(
    steps: Sequence[_Measured], ensemble: Ensemble, model: LanguageModel
) -> tuple[list[int], bool]:
    """Context tracks to leave out, and whether everything fits without them."""
    needs = [step.need for step in steps]
    drop: list[int] = []
    for track in _drop_order(steps, ensemble, model):
        if all(need < model.n_positions for need in needs):
            break
        drop.append(track)
        needs = [
            need - len(step.track_tokens[track]) for need, step in zip(needs, steps, strict=True)
        ]
    return drop, all(need < model.n_positions for need in needs)


def _drop_order(steps: Sequence[_Measured], ensemble: Ensemble, model: LanguageModel) -> list[int]:
    """Context tracks that may be left out, the first to go first."""
    config = ensemble.config
    if config.context == "all":
        return []
    context = [prompt.id for prompt in ensemble.prompts if not prompt.bars]
    listed = [
        ensemble.numbers.index(number)
        for number in config.context_drop
        if number in ensemble.numbers and ensemble.numbers.index(number) in context
    ]
    if config.context == "listed":
        return listed
    others = [
        track
        for track in context
        if track not in listed and ensemble.numbers[track] not in config.context_keep
    ]
    worth = _worth(max(steps, key=lambda step: step.need), ensemble, model)
    return listed + sorted(others, key=lambda track: (worth[track], track))


def _worth(step: _Measured, ensemble: Ensemble, model: LanguageModel) -> list[float]:
    """Use of each track per token: the model's attention to it, or its relevance by role."""
    ids = step.prompt.tokens
    sizes = [max(1, len(tokens)) for tokens in step.track_tokens]
    if isinstance(model, AttentionProbe) and len(ids) < model.n_positions:
        attention = model.last_attention(np.asarray(ids))
        seen = attention[attention.shape[0] // 2 :].sum(axis=0)
        return [
            float(seen[tokens.start : tokens.stop].sum()) / size
            for tokens, size in zip(step.track_tokens, sizes, strict=True)
        ]
    targets = {track for track, _ in step.prompt.step.bars}
    return [relevance(ensemble.score, targets, track) / size for track, size in enumerate(sizes)]


def _with_smaller_steps(ensemble: Ensemble, auto_tracks: bool, auto_bars: bool) -> Ensemble | None:
    """Half the tracks infilled together, or else half the bars; None if neither may change."""
    config = ensemble.config
    infilled = sum(bool(p.bars) and not p.autoregressive for p in ensemble.prompts)
    tracks = min(config.tracks_per_step or infilled, infilled)
    if auto_tracks and tracks > 1:
        return ensemble.with_config(replace(config, tracks_per_step=tracks // 2))
    bars = config.bars_per_step or config.model_dim
    if auto_bars and bars > 1:
        return ensemble.with_config(replace(config, bars_per_step=bars // 2))
    return None


def _measure(prompt: StepPrompt, ensemble: Ensemble, vocabulary: Vocabulary) -> _Measured:
    tracks, bars = _layout(prompt, vocabulary)
    output = sum(
        _expected_tokens(prompt, track, bar, bars[track]) for track, bar in prompt.window_step.bars
    )
    need = len(prompt.tokens) + ensemble.config.budget_margin * output
    return _Measured(prompt, tracks, need)


def _expected_tokens(prompt: StepPrompt, track: int, bar: int, lengths: list[int]) -> float:
    """Tokens of a bar to be written, from its present notes or from the track's other bars."""
    window = prompt.before.tracks[track]
    shown = [(n, tokens) for n, tokens in enumerate(lengths) if tokens > _EMPTY_BAR]
    tokens = sum(length - _EMPTY_BAR for _, length in shown)
    notes = sum(len(window.bars[n].notes) for n, _ in shown)
    per_note = tokens / notes if notes else _NOTE_TOKENS[window.track_type]
    present = len(window.bars[bar].notes)
    if present:
        return int(present * per_note) + _EMPTY_BAR
    if shown:
        return int(median(length for _, length in shown))
    return _BAR_TOKENS[window.track_type]


def _layout(prompt: StepPrompt, vocabulary: Vocabulary) -> tuple[list[range], list[list[int]]]:
    """Where each track stands in the prompt, and how long each of its bars is."""
    track_id, _ = vocabulary.range(TokenType.Track)
    track_ids = range(track_id, track_id + vocabulary.domain_size(TokenType.Track))
    bar, bar_end = (vocabulary.range(t)[0] for t in (TokenType.Bar, TokenType.BarEnd))
    fill = vocabulary.range(TokenType.FillInStart)[0]
    starts: list[int] = []
    lengths: list[list[int]] = []
    end = opened = len(prompt.tokens)
    for place, token in enumerate(prompt.tokens):
        if token in track_ids:
            starts.append(place)
            lengths.append([])
        elif token == bar:
            opened = place
        elif token == bar_end:
            lengths[-1].append(place + 1 - opened)
        elif token == fill:
            end = place
    ranges = [range(a, b) for a, b in zip(starts, [*starts[1:], end], strict=True)]
    if prompt.step.autoregressive:  # the track that is written comes last
        track = min(prompt.step.bars)[0]
        ranges.insert(track, ranges.pop())
        lengths.insert(track, lengths.pop())
    return ranges, lengths
