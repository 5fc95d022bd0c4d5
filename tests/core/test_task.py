"""Sessions as tasks: several in one pass over the weights, and no prompt is read twice."""

import gc
import resource
from pathlib import Path

import numpy as np
import pytest
from tiny_model import write_tiny_checkpoint

from midigpt import _native
from midigpt.inference import (
    GenerationCancelled,
    GenerationRequest,
    InferenceConfig,
    InferenceEngine,
    PrefixCache,
    SamplingSession,
    TrackPrompt,
)
from midigpt.inference.cancel import CancelEvent
from midigpt.score import Bar, Note, Score, Track


@pytest.fixture(scope="module", params=["float32", "int8"])
def engine(request, tmp_path_factory) -> InferenceEngine:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "t.safetensors", "yellow")
    return InferenceEngine.from_checkpoint(path, backend="native", weights=request.param, threads=2)


def song(transpose: int = 0) -> Score:
    """Two tracks of four bars; the last bar of the first is transposed."""
    bars = [
        Bar(notes=[Note(60 + b + transpose * (b == 3), 80, 480 * k, 240) for k in range(4)])
        for b in range(4)
    ]
    return Score(tracks=[Track(bars=bars), Track(bars=bars, instrument=33)])


def request(seed: int, controls: dict | None = None, **config) -> GenerationRequest:
    settings = {"max_attempts": 1, "novelty_check": False, "silence_check": False, **config}
    return GenerationRequest(
        tracks=[
            TrackPrompt(0, [2], controls=controls or {}),
            TrackPrompt(1, [3], autoregressive=True),
        ],
        config=InferenceConfig(seed=seed, **settings),
    )


class Watched:
    """A session with everything that it told."""

    def __init__(self, session: SamplingSession) -> None:
        self.session = session
        self.notes: list[dict[str, int]] = []
        self.bars: list[tuple[int, int]] = []
        session.note_sink, session.note_interval = self.notes.extend, 0.0
        session.bar_sink = lambda track, bar: self.bars.append((track, bar))

    def told(self):
        return self.notes, self.bars, self.session.gen_count, self.session.attempt


def run_all(tasks, passes: int):
    """Drive tasks together; returns their results and the most loops that ran at once."""
    waiting = dict(enumerate(tasks))
    wanted, results, most = {}, {}, 0
    while waiting:
        for number in list(waiting):
            try:
                wanted[number] = next(waiting[number])
            except StopIteration as end:
                results[number] = end.value
                del waiting[number]
                wanted.pop(number, None)
        loops = [loop for some in wanted.values() for loop in some]
        most = max(most, len(loops))
        _native.run_together(loops, passes)
    return [results[number] for number in sorted(results)], most


@pytest.mark.parametrize("passes", [1, 7, 1000])
def test_sessions_side_by_side_are_what_they_are_alone(engine, passes):
    requests = [
        (song(), request(1)),
        (song(3), request(2, top_k=4)),
        (song(), request(3, mask_mode="attention", temperature=1.3)),
        (song(5), request(4, controls={"remix": {"amount": 0.5}})),
    ]
    alone = [Watched(engine.session(*one)) for one in requests]
    expected = [watched.session.run() for watched in alone]
    together = [Watched(engine.session(*one)) for one in requests]
    results, most = run_all([watched.session.task() for watched in together], passes)
    assert results == expected
    assert [watched.told() for watched in together] == [watched.told() for watched in alone]
    assert most >= 3


def test_every_note_is_told_before_the_next_token_is_chosen(engine):
    watched = Watched(engine.session(song(), request(1)))
    told = []
    for loops in watched.session.task():
        told.append(len(watched.notes))
        _native.run_together(loops, 1000)
    steps = np.diff(told)
    assert steps.max() == 1 and watched.notes


@pytest.mark.parametrize("mode", ["remove", "attention", "attention_skip"])
def test_a_cache_changes_nothing_but_the_work(engine, mode, monkeypatch):
    cache = PrefixCache()

    def masked(seed: int) -> GenerationRequest:
        asked = request(seed, mask_mode=mode)
        asked.tracks[0].mask_bars[:] = [0]
        return asked

    read = []
    make_loop = _native.StepLoop

    def counting(**arguments):
        loop = make_loop(**arguments)
        read.append(loop.prompt_left)
        return loop

    monkeypatch.setattr("midigpt.inference.native_loop._native.StepLoop", counting)
    for score, seed in [(song(), 1), (song(), 2), (song(4), 3), (song(4), 3)]:
        fresh = engine.session(score, masked(seed)).run()
        without, read[:] = sum(read), []
        assert engine.session(score, masked(seed), cache=cache).run() == fresh
        with_cache, read[:] = sum(read), []
        assert with_cache <= without
    assert with_cache < without / 2


def test_attempts_read_the_prompt_once(engine, monkeypatch):
    read = []
    make_loop = _native.StepLoop

    def counting(**arguments):
        loop = make_loop(**arguments)
        read.append(loop.prompt_left)
        return loop

    monkeypatch.setattr("midigpt.inference.native_loop._native.StepLoop", counting)
    monkeypatch.setattr("midigpt.inference.run.rejection", lambda *_: "refused")
    session = engine.session(song(), request(1, max_attempts=3))
    with pytest.raises(RuntimeError, match=r"refused \(3\)"):
        session.run()
    assert read[0] > 50
    assert read[1:] == [1, 1]


def test_a_prompt_can_be_read_ahead(engine):
    cache = PrefixCache()
    expected = engine.session(song(2), request(7)).run()
    engine.session(song(), request(0), cache=cache).prefill()
    task = engine.session(song(2), request(7), cache=cache).prefill_task()
    for loops in task:
        assert all(not loop.tokens for loop in loops)
        _native.run_together(loops, 1)
    session = engine.session(song(2), request(7), cache=cache)
    first = next(task := session.task())
    assert [loop.prompt_left for loop in first] == [1]
    task.close()
    assert engine.session(song(2), request(7), cache=cache).run() == expected


def test_reading_ahead_can_be_cancelled_and_goes_on_where_it_was(engine):
    cache = PrefixCache()
    session = engine.session(song(), request(7), cache=cache)
    session.cancel_event = CancelEvent()
    task = session.prefill_task()
    (loop,) = next(task)
    whole = loop.prompt_left
    loop.run(1)
    session.cancel_event.set()
    with pytest.raises(GenerationCancelled):
        next(task)
    (loop,) = next(engine.session(song(), request(7), cache=cache).task())
    assert loop.prompt_left == max(1, whole - 64)


def test_overlapping_sessions_of_one_cache_do_not_disturb_each_other(engine):
    cache = PrefixCache(2)
    expected = [engine.session(song(), request(seed)).run() for seed in (1, 2, 3)]
    tasks = [engine.session(song(), request(seed), cache=cache).task() for seed in (1, 2, 3)]
    results, _ = run_all(tasks, 5)
    assert results == expected


@pytest.mark.parametrize("batch", [False, True])
def test_variations_are_the_same_as_single_results(engine, batch):
    asked = request(11, num_candidates=3, batch_attempts=batch)
    asked.tracks[1].bars.clear()
    found = engine.session(song(), asked).run_variations()
    for number, one in enumerate(found):
        alone = request(11 + number)
        alone.tracks[1].bars.clear()
        session = engine.session(song(), alone)
        assert one["score"] == session.run()
        assert one["gen_count"] == session.gen_count


def test_sessions_of_different_models_run_side_by_side(engine, tmp_path):
    path = write_tiny_checkpoint(tmp_path / "other.safetensors", "yellow", seed=1)
    other = InferenceEngine.from_checkpoint(path, backend="native")
    expected = [e.session(song(), request(1)).run() for e in (engine, other)]
    for passes in (1, 1000):
        results, most = run_all(
            [e.session(song(), request(1)).task() for e in (engine, other)], passes
        )
        assert results == expected and most == 2


def test_what_is_no_loop_or_no_size_is_refused():
    with pytest.raises(ValueError, match="None"):
        _native.run_together([None], 1)
    with pytest.raises(ValueError, match="size is 0"):
        PrefixCache(0)


def test_an_interrupt_returns_at_once(engine):
    loops = next(engine.session(song(), request(1)).task())
    flag = _native.CancelFlag()
    flag.set()
    before = loops[0].prompt_left
    _native.run_together(loops, 1000, flag)
    assert loops[0].prompt_left == before
    assert loops[0].status == _native.StepStatus.RUNNING


@pytest.mark.nightly
def test_ten_thousand_bars_leave_no_memory_behind(tmp_path):
    path = write_tiny_checkpoint(tmp_path / "t.safetensors", "yellow", haste=12.0)
    engine = InferenceEngine.from_checkpoint(path, backend="native", weights="int8", threads=2)
    cache = PrefixCache()
    pages = []
    for number in range(10_000):
        asked = request(number)
        asked.tracks[1].bars.clear()
        session = engine.session(song(number % 7), asked, cache=cache)
        session.note_sink = session.bar_sink = lambda *_: None
        session.run()
        if number % 1000 == 999:
            gc.collect()
            pages.append(int(Path("/proc/self/statm").read_text().split()[1]))
    megabytes = (pages[-1] - pages[1]) * resource.getpagesize() / 2**20
    assert megabytes < 4
