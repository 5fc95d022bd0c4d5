"""``midigpt train``: train a model on Parquet files of music."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from typing import Any

_EXAMPLES = """examples:
  midigpt train --config models/configs/ghost_live.json --data train.parquet \\
      --valid valid.parquet -o run
  midigpt train --config ... --data train.parquet -o run --resume      go on after an interruption
  midigpt train --config ... --data train.parquet -o run --exclude-source POP909

The folder gets metrics.jsonl, checkpoints/ and, at the end, model_final.safetensors, which
'midigpt-server --ckpt' plays with. Fields of the configuration: midigpt.training.TrainConfig.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a model on Parquet files of music",
        description="Train a model on Parquet files of music.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--config", required=True, metavar="FILE", help="settings, JSON or YAML")
    parser.add_argument(
        "--data", required=True, nargs="+", metavar="FILE", help="Parquet files to train on"
    )
    parser.add_argument("--valid", nargs="+", metavar="FILE", help="Parquet files to validate on")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for the results")
    parser.add_argument("--minutes", type=float, metavar="N", help="wall time of training")
    parser.add_argument("--steps", type=int, metavar="N", help="optimiser steps")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CKPT",
        help="go on from a checkpoint; without a name, from the last one in the folder",
    )
    from midigpt.training.preprocess import add_choice

    add_choice(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train and print the path of the checkpoint."""
    from midigpt.training import TrainConfig, train

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    changes = {
        "output_dir": options.output,
        "max_minutes": options.minutes,
        "max_steps": options.steps,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    config = TrainConfig.from_file(options.config, **given)
    config = replace(
        config,
        exclude_sources=(*config.exclude_sources, *options.exclude_source),
        licences=(*config.licences, *options.licence),
    )
    print(train(config, options.data, options.valid, options.resume, quiet=options.quiet))
    return 0
