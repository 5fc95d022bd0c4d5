"""``python -m bench decode|prefill|batch``: ours and the peers in turn, medians of several runs.

``python -m bench live``: does every bar come in time (bench/live.py)?
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import live
from bench.shapes import SHAPES, checkpoint

WORKERS = Path(__file__).parent / "workers"
Result = dict[str, Any]


class Bench:
    """Runs workers, each in a process of its own."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    def run(self, worker: str, *arguments: object, python: str = sys.executable) -> Result:
        command = [python, str(WORKERS / f"{worker}.py"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        result: Result = json.loads(done.stdout.splitlines()[-1])
        return result

    def ours(self, shape: str, weights: str = "int8", batch: int = 1, threads: int = 0) -> Result:
        o = self.options
        return self.run(
            "native",
            checkpoint(shape, o.folder),
            o.prompt,
            o.tokens,
            threads or o.threads,
            batch,
            weights,
        )

    def peer(self, worker: str, shape: str, python: str) -> Result:
        o = self.options
        path = checkpoint(shape, o.folder)
        return self.run(worker, path, o.prompt, o.tokens, o.threads, python=python)

    def contenders(self, shape: str) -> dict[str, Callable[[], Result]]:
        """What takes turns, by name; peers that are not set up are left out."""
        found: dict[str, Callable[[], Result]] = {
            "ours, int8": lambda: self.ours(shape),
            "ours, int8, 1 thread": lambda: self.ours(shape, threads=1),
            "ours, float32": lambda: self.ours(shape, "float32"),
        }
        if self.options.midigpt_python:
            python = self.options.midigpt_python
            found["MIDI-GPT 0.4.2"] = lambda: self.peer("midigpt_042", shape, python)
        if self.options.transformers:
            found["transformers"] = lambda: self.peer("hugging_face", shape, sys.executable)
        return found


def timings(bench: Bench, measure: Callable[[Result], float], floor: bool) -> list[Result]:
    """Median milliseconds of each contender and how many times ours is faster."""
    rows: list[Result] = []
    for shape in bench.options.shapes:
        contenders = bench.contenders(shape)
        results: dict[str, list[Result]] = {name: [] for name in contenders}
        floors: list[float] = []
        for _ in range(bench.options.rounds):
            for name, run in contenders.items():
                results[name].append(run())
            if floor:
                floors.append(read_time(bench, shape, results["ours, int8"][-1]))
        medians = {n: statistics.median(map(measure, r)) * 1e3 for n, r in results.items()}
        if floor:
            medians["reading the same bytes"] = statistics.median(floors) * 1e3
        ours = medians["ours, int8"]
        rows += [
            {"shape": shape, "what": n, "ms": ms, "ours is faster by": ms / ours}
            for n, ms in medians.items()
        ]
    return rows


def read_time(bench: Bench, shape: str, ours: Result) -> float:
    """Seconds to read int8 weights and half of the float16 cache's growth, by all threads."""
    o, config = bench.options, SHAPES[shape]
    length = o.prompt + o.tokens // 2
    cache = 2 * 2 * config.n_layer * config.n_embd * length
    result = bench.run("floor", ours["weight_bytes"] + cache, o.tokens, o.threads)
    return statistics.median(result["steps"])


def decode(bench: Bench) -> list[Result]:
    return timings(bench, lambda r: statistics.median(r["steps"]), floor=True)


def prefill(bench: Bench) -> list[Result]:
    return timings(bench, lambda r: float(r["prefill"]), floor=False)


def batch(bench: Bench) -> list[Result]:
    """Tokens per second in all, by number of sequences."""
    rows = []
    for shape in bench.options.shapes:
        sizes = (1, 2, 4, 8)
        speeds: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(bench.options.rounds):
            for size in sizes:
                steps = bench.ours(shape, batch=size)["steps"]
                speeds[size].append(size / statistics.median(steps))
        medians = {size: statistics.median(values) for size, values in speeds.items()}
        rows += [
            {"shape": shape, "sequences": n, "tokens/s": v, "times batch of 1": v / medians[1]}
            for n, v in medians.items()
        ]
    return rows


def print_table(rows: list[Result]) -> None:
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    for row in rows:
        cells = (f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values())
        print("| " + " | ".join(cells) + " |")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=["decode", "prefill", "batch", "live"])
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--prompt", type=int, default=600, help="tokens of the prompt")
    parser.add_argument("--tokens", type=int, default=100, help="tokens decoded after it")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--midigpt-python", help="Python of an environment with MIDI-GPT 0.4.2")
    parser.add_argument("--transformers", action="store_true", help="run Hugging Face's GPT-2 too")
    parser.add_argument("--bars", type=int, default=200, help="live: bars of each setting")
    parser.add_argument("--only", default="", help="live: settings whose name has this text")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    default = Path(tempfile.gettempdir()) / "midigpt-bench"
    parser.add_argument("--folder", type=Path, default=default, help="for the random checkpoints")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    if options.what == "live":
        rows = live.rows(options)
    else:
        run = {"decode": decode, "prefill": prefill, "batch": batch}[options.what]
        rows = run(Bench(options))
    if options.json:
        machine = f"{platform.platform()}, {os.cpu_count()} processors"
        print(json.dumps({"machine": machine, "time": time.strftime("%F %T"), "rows": rows}))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
