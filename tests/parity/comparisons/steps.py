"""Planned steps of real pieces: prompts, hidden spans, masks, and results of random generation.

Unit: ids of prompts, masks, notes of results.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

from midigpt import Score, _core
from midigpt._converters import from_cpp, to_cpp
from midigpt.inference.planner import plan
from tests.parity.case import Case, Piece, outcome
from tests.parity.comparisons.ids import crowded
from tests.parity.comparisons.options import random_levels
from tests.parity.walks import choose, digest, random_constraints
from tests.parity.windows import NAMES, cut, lengths, note_count, notes, tokenizer

MAX_TRACKS = 5
MAX_BARS = 20
STEPS = 2
LENGTH = 150

# Our state mends defects of the oracle unless it is told not to.
DEFECTS = {"reference_defects": True} if hasattr(_core.SessionState, "notes_since") else {}

HIDING: tuple[dict[str, bool], ...] = ({"use_span_masks": True}, {"remove_future_bars": True})


def cases(piece: Piece) -> Iterator[Case]:
    """A few steps of each encoder, infill and autoregressive."""
    score = Score.from_bytes(piece.midi)
    for encoder in NAMES:
        for autoregressive in (False, True):
            rng = Random(f"{piece.name} {encoder} {autoregressive}")
            request = random_request(score, encoder, autoregressive, rng)
            if request is None:
                continue
            part, steps = request
            group = f"{'autoregressive' if autoregressive else 'infill'}, {encoder}"
            for step in steps:
                yield from step_cases(part, step, encoder, group, rng)


def random_request(
    score: Score, encoder: str, autoregressive: bool, rng: Random
) -> tuple[Score, list[_core.GenerationStep]] | None:
    """A part of the piece on the model grid with random attributes, and some steps of a plan."""
    tok = tokenizer(encoder)
    part = tok.normalize_input(cut(score, 0, MAX_BARS))
    part.tracks = rng.sample(part.tracks, min(len(part.tracks), rng.randint(1, MAX_TRACKS)))
    bars = min((len(track.bars) for track in part.tracks), default=0)
    fitting = [n for n in lengths(encoder) if n <= bars]
    if not fitting:
        return None
    for track in part.tracks:
        track.bars = track.bars[:bars]
        track.attributes = random_levels(rng, bars)
    count = len(part.tracks)
    density = rng.choice((0.1, 0.4, 1.0))
    planned = plan(
        [[rng.random() < density for _ in range(bars)] for _ in range(count)],
        [autoregressive] * count,
        [False] * count,
        rng.choice(fitting),
        rng.randint(0, 4),
        rng.randint(0, count),
    )
    chosen = rng.sample(planned, min(len(planned), STEPS))
    return part, [core_step(s.start_bar, s.end_bar, s.autoregressive, s.bars) for s in chosen]


def core_step(start: int, end: int, autoregressive: bool, bars: Any) -> _core.GenerationStep:
    """A step with the fields that matter."""
    step = _core.GenerationStep()
    step.start_bar, step.end_bar = start, end
    step.is_autoregressive, step.bars_to_generate = autoregressive, set(bars)
    return step


def step_cases(
    part: Score, step: _core.GenerationStep, encoder: str, group: str, rng: Random
) -> Iterator[Case]:
    """Prompt, masks and result of one step."""
    label = f"bars {step.start_bar} to {step.end_bar - 1}: {sorted(step.bars_to_generate)}"
    options = hide_bars(part, step, encoder, rng)
    graph = step_graph(part, step, encoder, rng)
    state = outcome(lambda: new_state(part, step, graph, encoder, options))
    if isinstance(state, dict):
        yield Case(f"prompts, {group}", label, state, 0)
        return
    prompt = list(state.context_tokens())
    spans = [list(span) for span in state.hidden_spans()]
    yield Case(f"prompts, {group}", label, [prompt, spans], len(prompt), partial(crowded, part))
    masks = [digest(mask) for mask in walk(state, encoder, rng)]
    yield Case(f"masks of steps, {group}", label, masks, len(masks))
    result = from_cpp(state.result())
    started = state.context_tokens()[len(prompt) :].count(bar_id(encoder))
    data = result_data(result, step, started)
    yield Case(f"results, {group}", label, data, note_count(result))


def hide_bars(
    part: Score, step: _core.GenerationStep, encoder: str, rng: Random
) -> dict[str, bool]:
    """Hide some bars that are no targets; the options that say how.

    The oracle also wants to know from the step which bars are shown.
    """
    rate = rng.choice((0.0, 0.2))
    for t, track in enumerate(part.tracks):
        for b, bar in enumerate(track.bars):
            bar.future = rng.random() < rate and (t, b) not in step.bars_to_generate
    step.context = [
        [not bar.future and (t, b) not in step.bars_to_generate for b, bar in enumerate(track.bars)]
        for t, track in enumerate(part.tracks)
    ]
    masked = {} if tokenizer(encoder)._vocab.has(_core.TokenType.MaskBar) else HIDING[0]
    return rng.choice((*HIDING, masked))


def step_graph(
    part: Score, step: _core.GenerationStep, encoder: str, rng: Random
) -> _core.ConstraintGraph:
    """The constraints of a session, and some others."""
    grammar = _core.GrammarConstraint()
    grammar.set_max_tracks(len(part.tracks))
    if step.is_autoregressive:
        grammar.set_exact_bars(step.end_bar - step.start_bar)
        grammar.set_autoregressive_mode(True)
    graph = _core.ConstraintGraph()
    for constraint in (grammar, *random_constraints(encoder, rng)):
        graph.add_constraint(constraint)
    return graph


def new_state(
    part: Score,
    step: _core.GenerationStep,
    graph: _core.ConstraintGraph,
    encoder: str,
    options: dict[str, bool],
) -> _core.SessionState:
    """The state at the start of a step."""
    tok = tokenizer(encoder)
    codec = (tok._vocab, graph, tok._encoder, tok._decoder)
    return _core.SessionState(to_cpp(part), step, *codec, **options, **DEFECTS)


def walk(state: _core.SessionState, encoder: str, rng: Random) -> Iterator[list[bool]]:
    """The masks of a random generation, until the step is complete or nothing may follow."""
    for _ in range(LENGTH):
        if state.complete():
            return
        mask = list(state.logit_mask())
        yield mask
        token = choose(mask, encoder, rng)
        if token is None:
            return
        state.advance(token)


def bar_id(encoder: str) -> int:
    """The id of Bar."""
    return tokenizer(encoder)._vocab.encode_val(_core.TokenType.Bar, 0)


def result_data(result: Score, step: _core.GenerationStep, bars_started: int) -> list[Any]:
    """All bars of all tracks; of an autoregressive track the targets that were started.

    The oracle leaves it to its sessions to put the others back and to fill up a short track.
    """
    targets = set(step.bars_to_generate)
    track_written = min(targets)[0] if step.is_autoregressive else -1
    first_not_reached = min(targets)[1] + bars_started
    data: list[Any] = []
    for t, track in enumerate(result.tracks):
        bars = [
            [bar.ts_numerator, bar.ts_denominator, bar.beat_length, notes(bar.notes)]
            for b, bar in enumerate(track.bars)
            if t != track_written or ((t, b) in targets and b < first_not_reached)
        ]
        data.append([track.instrument, track.track_type, sorted(track.attributes.items()), bars])
    return data
