"""How fast the models run: single tokens, prompts, batches."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable

from bench.runner import Result, Runner
from bench.shapes import GPT2, checkpoint

Contenders = dict[str, Callable[[], Result]]
OURS = "ours, int8"


def decode(runner: Runner) -> list[Result]:
    """Median milliseconds per token after the prompt, and the time to read the same bytes."""
    return _timings(runner, lambda result: statistics.median(result["steps"]), floor=True)


def prefill(runner: Runner) -> list[Result]:
    """Milliseconds for the prompt."""
    return _timings(runner, lambda result: float(result["prefill"]), floor=False)


def batch(runner: Runner) -> list[Result]:
    """Tokens per second in all, by number of sequences, each with a prompt of its own."""
    rows = []
    for shape in (s for s in runner.options.shapes if not runner.is_llama(s)):
        sizes = (1, 2, 4, 8)
        speeds: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(runner.options.rounds):
            for size in sizes:
                steps = runner.ours(shape, batch=size)["steps"]
                speeds[size].append(size / statistics.median(steps))
        medians = {size: statistics.median(values) for size, values in speeds.items()}
        rows += [
            {"shape": shape, "sequences": n, "tokens/s": v, "times batch of 1": v / medians[1]}
            for n, v in medians.items()
        ]
    return rows


def contended(runner: Runner) -> list[Result]:
    """Mean milliseconds with one and two threads in turn, alone and beside busy processes."""
    o = runner.options
    rows: list[Result] = []
    for shape, busy in itertools.product(o.shapes, o.busy):
        if runner.is_llama(shape):
            continue
        path = checkpoint(shape, o.folder)
        result = runner.run("contended", path, o.prompt, o.tokens, o.rounds, busy)
        for what in ("prefill", "token"):
            ms = {name: statistics.mean(times[what]) * 1e3 for name, times in result.items()}
            row = {"shape": shape, "busy processes": busy, "what": what}
            row |= {"1 thread, ms": ms["one"], "2 threads, ms": ms["two"]}
            gains = {"gain": ms["one"] / ms["two"], "gain by chance": ms["one"] / ms["one again"]}
            rows.append(row | gains)
    return rows


def _contenders(runner: Runner, shape: str) -> Contenders:
    """What takes turns, by name."""
    rows = "slots" if runner.is_llama(shape) else "all"
    found: Contenders = {
        OURS: lambda: runner.ours(shape, rows=rows),
        f"{OURS}, 1 thread": lambda: runner.ours(shape, threads=1, rows=rows),
    }
    llama_time, tools, python = runner.llama_time, runner.tools, runner.midigpt("python")
    if python and not runner.is_llama(shape):
        found["MIDI-GPT 0.4.2"] = lambda: runner.peer("midigpt_042", shape, python)
    if tools and llama_time:
        found["llama.cpp, Q8_0"] = lambda: runner.peer("llama_cpp", shape, tools, llama_time)
    if tools and not runner.is_llama(shape):
        found["CTranslate2, int8"] = lambda: runner.peer("ctranslate2", shape, tools)
    if tools:
        name = "transformers, bfloat16" if runner.is_llama(shape) else "transformers, float32"
        found[name] = lambda: runner.peer("hugging_face", shape, tools)
    return found


def _timings(runner: Runner, measure: Callable[[Result], float], floor: bool) -> list[Result]:
    """Median milliseconds of each contender and how many times ours is faster."""
    rows: list[Result] = []
    for shape in runner.options.shapes:
        contenders = _contenders(runner, shape)
        results: dict[str, list[Result]] = {name: [] for name in contenders}
        floors: list[float] = []
        for _ in range(runner.options.rounds):
            for name, run in contenders.items():
                results[name].append(run())
            if floor and not runner.is_llama(shape):
                floors.append(_read_time(runner, shape, results[OURS][-1]))
        medians = {n: statistics.median(map(measure, r)) * 1e3 for n, r in results.items()}
        if floors:
            medians["reading the same bytes"] = statistics.median(floors) * 1e3
        rows += [
            {"shape": shape, "what": name, "ms": ms, "ours is faster by": ms / medians[OURS]}
            for name, ms in medians.items()
        ]
    return rows


def _read_time(runner: Runner, shape: str, ours: Result) -> float:
    """Seconds to read int8 weights and an int8 cache grown by half, by all threads."""
    o, config = runner.options, GPT2[shape]
    length = o.prompt + o.tokens // 2
    cache = 2 * config.n_layer * (config.n_embd + 4 * config.n_head) * length  # a scale per head
    result = runner.run("floor", ours["weight_bytes"] + cache, o.tokens, o.threads)
    return statistics.median(result["steps"])
