"""Ours and the peers in turn in the same run, medians of several rounds; see bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from bench import live, model_speed, over_osc
from bench.runner import ROOT, Result, Runner
from bench.shapes import GPT2, SHAPES

BENCHMARKS = {
    function.__name__: function
    for function in (
        model_speed.decode,
        model_speed.prefill,
        model_speed.batch,
        model_speed.contended,
        over_osc.bar,
        over_osc.startup,
        over_osc.gil,
        live.live,
    )
}


def print_table(rows: list[Result]) -> None:
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    for row in rows:
        cells = (f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values())
        print("| " + " | ".join(cells) + " |")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=list(BENCHMARKS))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(GPT2))
    parser.add_argument("--prompt", type=int, default=600, help="tokens of the prompt")
    parser.add_argument("--tokens", type=int, default=100, help="tokens decoded after it")
    parser.add_argument("--bars", type=int, help="bars played at a server (24; live: 200)")
    parser.add_argument("--only", default="", help="live: settings whose name has this text")
    parser.add_argument("--seconds", type=float, default=10, help="of watching (gil)")
    parser.add_argument(
        "--busy", type=int, nargs="+", default=[0, 1, 2, 3], help="processes (contended)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peers", type=Path, default=ROOT / "build" / "peers", help="their folder")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    default = Path(tempfile.gettempdir()) / "midigpt-bench"
    parser.add_argument("--folder", type=Path, default=default, help="for the random checkpoints")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    rows = BENCHMARKS[options.what](Runner(options))
    if options.json:
        machine = f"{platform.platform()}, {os.cpu_count()} processors"
        print(json.dumps({"machine": machine, "time": time.strftime("%F %T"), "rows": rows}))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
