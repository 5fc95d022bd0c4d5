"""The compiled sampling loop against the loop in Python."""

import threading

import numpy as np
import pytest
from tiny_model import write_tiny_checkpoint

from midigpt import _native
from midigpt.inference import (
    GenerationCancelled,
    GenerationRequest,
    InferenceConfig,
    InferenceEngine,
    TrackPrompt,
    step_sampler,
)
from midigpt.inference.cancel import CancelEvent
from midigpt.inference.sampling import Draw, Filters, next_token_probabilities, reweight
from midigpt.score import Bar, Note, Score, Track

FILTERS = [
    Filters(),
    Filters(top_k=5),
    Filters(top_k=1),
    Filters(top_p=0.7),
    Filters(top_k=20, top_p=0.9, mask_k=2),
    Filters(mask_p=0.3),
    Filters(top_k=8, mask_k=3, mask_p=0.5),
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_sampler_draws_the_same_tokens(filters, weighted):
    rng = np.random.default_rng(3)
    size = 97
    content = rng.random(size) < 0.6
    weights = (rng.random(size) * (rng.random(size) < 0.8)).astype(np.float32) if weighted else None
    sampler = _native.TokenSampler(
        temperature=0.8, note_content=content, weights=weights, seed=2**32 + 7, **vars(filters)
    )
    draw = Draw(2**32 + 7)
    for _ in range(300):
        logits = rng.normal(0, 3, size).astype(np.float32)
        allowed = rng.random(size) < rng.choice([0.05, 0.5, 1.0])
        allowed[rng.integers(size)] = True
        probabilities = next_token_probabilities(logits, allowed, 0.8)
        if weights is not None:
            probabilities = reweight(probabilities, weights)
        expected = draw.token(filters.apply(probabilities, content))
        assert sampler.draw(logits, allowed) == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unusable_logits_make_legal_tokens_equally_likely(bad):
    content = np.zeros(4, dtype=bool)
    sampler = _native.TokenSampler(temperature=1.0, note_content=content, seed=1)
    logits = np.full(4, bad, dtype=np.float32)
    allowed = np.array([True, False, True, True])
    drawn = {sampler.draw(logits, allowed) for _ in range(60)}
    assert drawn == {0, 2, 3}
    assert sampler.draw(logits, np.zeros(4, dtype=bool)) == -1


@pytest.mark.parametrize(
    "values", [{"temperature": 0.0}, {"top_k": -1}, {"top_p": 0.0}, {"mask_k": -1}, {"mask_p": 1.0}]
)
def test_rules_out_of_range(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        _native.TokenSampler(
            **{"temperature": 1.0, "note_content": np.zeros(3, dtype=bool), "seed": 0, **values}
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> InferenceEngine:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "t.safetensors", "yellow")
    return InferenceEngine.from_checkpoint(path, backend="native", weights="float32", threads=2)


def song() -> Score:
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(4)]
    return Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])


def request(seed: int, **config) -> GenerationRequest:
    return GenerationRequest(
        tracks=[
            TrackPrompt(0, [2], controls={"pitch_mask": {"scale": "major"}}),
            TrackPrompt(1, [3], autoregressive=True),
        ],
        config=InferenceConfig(
            seed=seed, max_attempts=1, novelty_check=False, silence_check=False, **config
        ),
    )


@pytest.mark.parametrize(
    "config", [{}, {"top_k": 4, "temperature": 1.3}, {"top_p": 0.8, "polyphony_hard_limit": 2}]
)
def test_sessions_are_the_same_as_with_the_loop_in_python(engine, monkeypatch, config):
    results = []
    for native in (True, False):
        if not native:
            monkeypatch.setattr(step_sampler, "runs_natively", lambda *_: False)
        notes: list[dict[str, int]] = []
        bars: list[tuple[int, int]] = []
        session = engine.session(song(), request(5, **config))
        session.note_sink, session.note_interval = notes.extend, 0.0
        session.bar_sink = lambda track, bar, bars=bars: bars.append((track, bar))
        results.append((session.run(), session.gen_count, notes, bars))
    assert results[0] == results[1]
    assert results[0][2] and results[0][3]


def test_held_density_is_the_same_as_with_the_loop_in_python(engine, monkeypatch):
    score = song()
    score.tracks[1].track_type = "drum"
    asked = request(5, hold_density=True)
    asked.tracks[1].attributes["note_density"] = 5
    results = []
    for native in (True, False):
        if not native:
            monkeypatch.setattr(step_sampler, "runs_natively", lambda *_: False)
        results.append(engine.session(score, asked).run())
    assert results[0] == results[1]
    assert 11 <= len(results[0].tracks[1].bars[3].notes) <= 12


@pytest.mark.parametrize("event", [CancelEvent, threading.Event])
def test_cancelling_ends_the_run(engine, event):
    session = engine.session(song(), request(5))
    session.cancel_event = event()
    session.note_interval = 0.0
    session.note_sink = lambda _: session.cancel_event.set()
    with pytest.raises(GenerationCancelled) as caught:
        session.run()
    assert 0 < caught.value.gen_count < 200
    session.cancel_event.clear()
    assert not session.cancel_event.is_set()
