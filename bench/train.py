"""``python -m bench.train``: our trainer and that of MIDI-GPT 0.4.2, in turn, on the same music.

Equal: encoder (yellow), model, context, samples a step, precision, number of threads. Tokens are
those of the samples, padding not counted, at the mean that each trainer's own samples have. A run's
time is that of the commands as users start them, from start to end; from a short and a long run
follow the seconds of a step, so that starting up does not count. Making our samples is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ENCODER = Path(__file__).parents[1] / "models" / "encoders" / "yellow.json"
WORKER = Path(__file__).parent / "workers" / "training_samples.py"


def settings(options: argparse.Namespace, steps: int) -> dict[str, Any]:
    width, layers, heads = options.shape
    samples = steps * options.batch * options.accumulation
    return {
        "encoder_config_path": str(ENCODER),
        "n_embd": width,
        "n_layer": layers,
        "n_head": heads,
        "max_seq_len": options.context,
        "per_device_batch_size": options.batch,
        "gradient_accumulation_steps": options.accumulation,
        "max_steps": steps,
        "num_epochs": -(-samples // options.pieces),
        "warmup_steps": 10,
        "save_steps": 10**6,
        "eval_steps": options.pieces // options.batch,  # an epoch, for 0.4.2 takes no more
        "limit_val_batches": 1,
        "logging_steps": 10**6,
        "precision": "fp32",
        "mask_apply_probability": 0.0,
        "num_workers": 0,
        "seed": 1,
    }


def music(options: argparse.Namespace, folder: Path) -> Path:
    """The first pieces, with the columns that MIDI-GPT 0.4.2 reads; sets how many there are."""
    import pyarrow as arrow
    from pyarrow import parquet

    from midigpt import Score

    rows = []
    for midi in parquet.read_table(options.data, columns=["midi"]).column(0).to_pylist():
        score = Score.from_bytes(midi)
        bars = [bar for track in score.tracks for bar in track.bars]
        if min(len(track.bars) for track in score.tracks) < 8:
            continue
        if any((bar.ts_numerator, bar.ts_denominator) != (4, 4) for bar in bars):
            continue
        notes = sum(len(bar.notes) for bar in bars)
        rows.append({"music": midi, "num_tracks": len(score.tracks), "total_notes": notes})
        if len(rows) == options.pieces:
            break
    options.pieces = len(rows)
    path = folder / "music.parquet"
    schema = [("music", arrow.binary()), ("num_tracks", arrow.int64())]
    schema += [("total_notes", arrow.int64())]
    parquet.write_table(arrow.Table.from_pylist(rows, arrow.schema(schema)), path)
    return path


def run(python: list[str], environment: dict[str, str], folder: Path, command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [*python, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of music")
    parser.add_argument("--midigpt-python", required=True, help="Python with MIDI-GPT 0.4.2")
    parser.add_argument("--midigpt-path", default="", help="PYTHONPATH for it, for lightning")
    parser.add_argument("--pieces", type=int, default=280)
    parser.add_argument(
        "--shape", type=int, nargs=3, default=(256, 4, 4), help="width layers heads"
    )
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--accumulation", type=int, default=4)
    parser.add_argument("--steps", type=int, nargs=2, default=(4, 34), help="short and long run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        report(measure(options, Path(name)), options.json)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, float]]:
    data = music(options, folder)
    threads = {"OMP_NUM_THREADS": str(options.threads)}
    base = {**os.environ, **threads, "MIDIGPT_CACHE": str(folder / "cache")}
    path = {"PYTHONPATH": options.midigpt_path} if options.midigpt_path else {}
    contenders: dict[str, tuple[list[str], dict[str, str]]] = {
        "ours": ([sys.executable], base),
        "MIDI-GPT 0.4.2": (
            [options.midigpt_python],
            {**base, **path, "MIDIGPT_CACHE": str(folder / "theirs")},
        ),
    }
    found: dict[str, dict[str, float]] = {}
    times: dict[str, dict[int, list[float]]] = {name: {} for name in contenders}
    tokens: dict[str, float] = {}
    for name, (python, environment) in contenders.items():
        sizes = [str(data), str(ENCODER), str(options.context)]
        printed = subprocess.run(
            [*python, str(WORKER), *sizes],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        tokens[name] = json.loads(printed.splitlines()[-1])["tokens"]
    for turn in range(options.rounds):
        for name, (python, environment) in contenders.items():
            for steps in options.steps:
                config = folder / f"config-{steps}.json"
                seed = {"seed": turn}  # so that our samples are made anew in each run
                config.write_text(json.dumps({**settings(options, steps), **seed}))
                command = ["-m", "midigpt.training.trainer", "--config", str(config)]
                command += ["--train-data", str(data), "--eval-data", str(data)]
                command += ["--output-dir", str(folder / f"out-{turn}")]
                times[name].setdefault(steps, []).append(run(python, environment, folder, command))
    short, long = options.steps
    for name, by_steps in times.items():
        seconds = [
            (b - a) / (long - short) for a, b in zip(by_steps[short], by_steps[long], strict=True)
        ]
        step = statistics.median(seconds)
        per_step = tokens[name] * options.batch * options.accumulation
        found[name] = {
            "s/step": step,
            "tokens/sample": tokens[name],
            "tokens/s": per_step / step,
            "samples/s": options.batch * options.accumulation / step,
        }
    return found


def report(found: dict[str, dict[str, float]], as_json: bool) -> None:
    ours, theirs = found.values()
    ratio = {name: ours[name] / theirs[name] for name in ("tokens/s", "samples/s")}
    if as_json:
        print(json.dumps({**found, "ratio": ratio}))
        return
    for name, values in [*found.items(), ("ratio", ratio)]:
        print(f"{name:16}", *(f"{key} {value:.3g}" for key, value in values.items()))


if __name__ == "__main__":
    main()
