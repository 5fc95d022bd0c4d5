"""Whole sessions on real pieces with random-weight models: plans, prompts, sampled ids, results.

Both sides compute the model with PyTorch, so logits, and with them draws, agree to the last bit.
Unit: ids of prompts, sampled ids, notes of results.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import torch

from midigpt import Score, _core
from midigpt.inference import GenerationRequest, InferenceEngine
from midigpt.inference.model import GPT2Config, GPT2LMHeadModel
from tests.parity.case import Case, Piece, outcome
from tests.parity.comparisons.ids import crowded
from tests.parity.windows import ENCODERS, NAMES, as_data, cut, lengths, note_count, tokenizer

MAX_TRACKS = 4
MAX_BARS = 16
CONTEXT = 2048
#: Added to the logits of some types, lest random models lose themselves in attributes.
LIKINGS = {
    "Bar": 6.0,
    "TimeSig": 6.0,
    "FillInStart": 6.0,
    "BarEnd": 4.0,
    "FillInEnd": 4.0,
    "NoteOnset": 3.5,
    "TimeAbsolutePos": 3.5,
}

# Ours mends defects of the oracle unless it is told not to.
PARITY = {"parity": True} if hasattr(_core.SessionState, "notes_since") else {}


def cases(piece: Piece) -> Iterator[Case]:
    """One infill and one autoregressive session with each encoder."""
    torch.set_num_threads(1)
    score = Score.from_bytes(piece.midi)
    for encoder in NAMES:
        for autoregressive in (False, True):
            rng = Random(f"{piece.name} {encoder} {autoregressive}")
            drawn = random_request(score, encoder, autoregressive, rng)
            if drawn is not None:
                yield from session_cases(*drawn, encoder, autoregressive)


def random_request(
    score: Score, encoder: str, autoregressive: bool, rng: Random
) -> tuple[Score, dict[str, Any]] | None:
    """A part of the piece, and what to generate in it."""
    part = copy.deepcopy(cut(score, 0, MAX_BARS))
    part.tracks = rng.sample(part.tracks, min(len(part.tracks), rng.randint(1, MAX_TRACKS)))
    bars = min((len(track.bars) for track in part.tracks), default=0)
    fitting = [n for n in lengths(encoder) if n <= bars]
    if not fitting:
        return None
    for track in part.tracks:
        track.bars = track.bars[:bars]
    window = rng.choice(fitting)
    prompts = [random_prompt(t, bars, autoregressive, rng) for t in range(len(part.tracks))]
    for prompt, track in zip(prompts, part.tracks, strict=True):
        prompt.update(random_levels(prompt["bars"], track.track_type, encoder, rng))
    if not any(prompt["bars"] for prompt in prompts):
        prompts[0] = {"id": 0, "bars": [bars - 1], "autoregressive": autoregressive}
    modes = ["attention", "remove"]
    if tokenizer(encoder)._vocab.has(_core.TokenType.MaskBar):
        modes.append("token")
    config = {
        "model_dim": window,
        "bars_per_step": rng.choice((0, 1, 2, window)),
        "tracks_per_step": rng.randint(0, len(prompts)),
        "seed": rng.randrange(1000),
        "top_k": rng.choice((0, 1, 1)),
        "top_p": rng.choice((1.0, 1.0, 0.9)),
        "mask_p": rng.choice((0.0, 0.0, 0.2)),
        "shuffle": rng.random() < 0.3,
        "infill_probability": rng.choice((1.0, 1.0, 0.6)),
        "temperature": rng.choice((0.9, 1.0)),
        "density_hard_limit": rng.randint(4, 10),
        "polyphony_hard_limit": rng.randint(0, 3),
        "max_attempts": 1,
        "novelty_check": False,
        "silence_check": False,
        "mask_mode": rng.choice(modes),
    }
    return part, {"tracks": prompts, "config": config}


def random_prompt(track: int, bars: int, autoregressive: bool, rng: Random) -> dict[str, Any]:
    """What to generate in one track, and what to hide of it."""
    if rng.random() < 0.4:
        targets = []
    elif autoregressive:
        targets = list(range(rng.choice((0, rng.randrange(bars))), bars))
    else:
        targets = sorted(rng.sample(range(bars), rng.randint(1, min(3, bars))))
    hidden = [b for b in range(bars) if b not in targets and rng.random() < 0.15]
    return {
        "id": track,
        "bars": targets,
        "autoregressive": autoregressive and bool(targets),
        "mask_bars": hidden if rng.random() < 0.5 else [],
    }


def random_levels(
    targets: list[int], track_type: str, encoder: str, rng: Random
) -> dict[str, dict[Any, Any]]:
    """Levels asked for a track and for its bars."""
    analyzer = tokenizer(encoder)._analyzer
    sizes, levels = analyzer.attribute_sizes(), analyzer.attribute_levels()
    types = analyzer.attribute_track_types()
    fitting = sorted(name for name in sizes if types[name] in ("both", track_type))

    def drawn(level: str) -> dict[str, int]:
        names = [name for name in fitting if levels[name] == level and rng.random() < 0.15]
        return {name: rng.randrange(sizes[name]) for name in names}

    of_bars = {bar: drawn("bar") for bar in targets if rng.random() < 0.3}
    return {"attributes": drawn("track"), "bar_attributes": of_bars}


def session_cases(
    part: Score, request: dict[str, Any], encoder: str, autoregressive: bool
) -> Iterator[Case]:
    """What a session plans, shows to the model, samples and returns."""
    kind = f"{'autoregressive' if autoregressive else 'infill'}, {encoder}"
    label = json.dumps(request)
    excuse = partial(crowded, tokenizer(encoder).normalize_input(part))
    plan: Any = None
    with recorded() as attempts:

        def run() -> Any:
            nonlocal plan
            session = engine(encoder).session(part, GenerationRequest.from_dict(request), **PARITY)
            plan = session.plan_summary()
            return as_data(session.run())

        result = outcome(run)
    prompts = [[attempt.prompt, attempt.hidden_spans] for attempt in attempts]
    size = sum(len(attempt.prompt) for attempt in attempts)
    yield Case(f"sessions: prompts, {kind}", label, [plan, prompts], size, excuse)
    ids = [attempt.ids for attempt in attempts]
    yield Case(f"sessions: sampled ids, {kind}", label, ids, sum(map(len, ids)), excuse)
    failed = "raises" in result
    group = f"sessions: {'errors' if failed else 'results'}, {kind}"
    yield Case(group, label, result, 1 if failed else note_count(part), excuse)


@dataclass
class Attempt:
    """What one attempt at a step showed to the model, and what it sampled."""

    prompt: list[int]
    hidden_spans: list[list[int]]
    ids: list[int] = field(default_factory=list)


@contextmanager
def recorded() -> Iterator[list[Attempt]]:
    """Every attempt made meanwhile."""
    attempts: list[Attempt] = []
    states: list[_core.SessionState] = []
    advance = _core.SessionState.advance

    def recording(state: _core.SessionState, token: int) -> None:
        if not states or states[-1] is not state:
            states.append(state)
            spans = [list(span) for span in state.hidden_spans()]
            attempts.append(Attempt(list(state.context_tokens()), spans))
        attempts[-1].ids.append(int(token))
        advance(state, token)

    _core.SessionState.advance = recording
    try:
        yield attempts
    finally:
        _core.SessionState.advance = advance


@cache
def engine(encoder: str) -> InferenceEngine:
    """An engine on a small model with random weights, the same on both sides."""
    config = json.loads((ENCODERS / f"{encoder}.json").read_text())
    shape = GPT2Config(tokenizer(encoder).vocab_size(), CONTEXT, n_embd=32, n_layer=2, n_head=4)
    model = GPT2LMHeadModel(shape)
    torch.manual_seed(0)
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for parameter in weights.values():
            parameter.normal_(0, 0.3)
        # One coordinate of the last layer norm is constant and carries the likings.
        weights["transformer.ln_f.weight"][0] = 0
        weights["transformer.ln_f.bias"][0] = 1
        weights["lm_head.weight"][:, 0] = 0
        for name, liking in LIKINGS.items():
            first, end = tokenizer(encoder)._vocab.range(getattr(_core.TokenType, name))
            weights["lm_head.weight"][first:end, 0] = liking
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "random.safetensors")
        model.save_pretrained(path, encoder_config=config)
        return InferenceEngine.from_checkpoint(path, device="cpu")
