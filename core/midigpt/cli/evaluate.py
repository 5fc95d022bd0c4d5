"""``midigpt evaluate``: how good a checkpoint is."""

from __future__ import annotations

import argparse
import json
from typing import Any

_EXAMPLES = """examples:
  midigpt evaluate my.safetensors test.parquet
  midigpt evaluate my.safetensors test.parquet --train train.parquet --config config.json --json
  midigpt evaluate my.safetensors test.parquet --parts fit,liveness --scenes 20

Parts: likelihood (loss on music it never saw, by role and source, next to n-grams), control
(attribute levels asked for and written), fit (agreement with the tracks it accompanies),
statistics (of its bars and of real ones), memorisation (runs of notes taken from the training set)
and liveness (sessions of 200 bars). The figures are explained in docs/model.md.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how good a checkpoint is",
        description="Measure a checkpoint on pieces that it was not trained on.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a .safetensors file")
    parser.add_argument("data", metavar="DATA.parquet", help="held-out pieces")
    parser.add_argument("--train", metavar="FILE.parquet", help="what it was trained on")
    parser.add_argument("--config", metavar="FILE", help="settings that it was trained with")
    parser.add_argument("--parts", metavar="LIST", help="some of the parts, as in fit,control")
    parser.add_argument(
        "--scenes", type=int, default=40, metavar="N", help="moments for each role (default: 40)"
    )
    parser.add_argument(
        "--sessions", type=int, default=1, metavar="N", help="for each role (default: 1)"
    )
    parser.add_argument(
        "--tokens", type=int, default=150_000, metavar="N", help="for the loss (default: 150000)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument("--pictures", metavar="FOLDER", help="draw an answer for each role")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from midigpt.evaluation.evaluate import PARTS, evaluate
    from midigpt.training.config import TrainConfig

    report = evaluate(
        options.checkpoint,
        options.data,
        options.train,
        TrainConfig.from_file(options.config) if options.config else None,
        options.parts.split(",") if options.parts else PARTS,
        options.scenes,
        options.sessions,
        options.tokens,
        options.seed,
        options.quiet,
        options.pictures,
    )
    if options.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 0


def _print(report: dict[str, Any], depth: int = 0) -> None:
    width = 44 - 2 * depth
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"{'  ' * depth}{name}")
            _print(value, depth + 1)
        else:
            text = f"{value:.3f}" if isinstance(value, float) else str(value)
            print(f"{'  ' * depth}{name:{width}} {text}")
