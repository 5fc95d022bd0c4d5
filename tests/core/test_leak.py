"""Ten thousand bars by the bundled model, Python and engine: memory grows no more."""

from __future__ import annotations

import contextlib
import sys

import pytest

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Note, Score, Track

WARM_UP, BARS = 1_000, 10_000
MOST_GROWTH = 8 << 20  # bytes; one session that was kept would be 100 KB and more


def peak_memory() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def generate(engine: InferenceEngine, score: Score, seed: int) -> None:
    config = InferenceConfig(seed=seed, model_dim=8, max_attempts=1, silence_check=False)
    prompts = [TrackPrompt(0, []), TrackPrompt(1, [7], autoregressive=True)]
    session = engine.session(score, GenerationRequest(prompts, config))
    session.note_sink, session.note_interval = (lambda notes: None), 0.0
    with contextlib.suppress(RuntimeError):  # too similar: generated all the same
        session.run()


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="reads the peak from POSIX")
def test_10000_bars() -> None:
    engine = InferenceEngine.from_pretrained(weights="int8")
    bars = [Bar(notes=[Note(60 + b, 80, 480 * k, 240) for k in range(4)]) for b in range(8)]
    score = Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])
    for seed in range(WARM_UP):
        generate(engine, score, seed)
    before = peak_memory()
    for seed in range(WARM_UP, BARS):
        generate(engine, score, seed)
    assert peak_memory() - before < MOST_GROWTH
