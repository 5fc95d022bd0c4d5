"""``midigpt finetune``: teach a model one's own pieces."""

from __future__ import annotations

import argparse
import logging
from typing import Any

_EXAMPLES = """examples:
  midigpt finetune my-songs/ -o mine.safetensors
  midigpt finetune my-songs/ -o mine.safetensors --minutes 30 --full
  midigpt finetune my-songs/ -o mine.safetensors --resume        go on after an interruption
  midigpt-server --ckpt mine.safetensors                         play with it
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "finetune",
        help="teach a model one's own pieces",
        description="Go on training a model on the MIDI files of a folder.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("folder", metavar="MIDI_FOLDER", help="MIDI files, in folders of any depth")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.safetensors")
    parser.add_argument("--model", metavar="FILE", help="checkpoint to start from (bundled one)")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="(default: 10)")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="instead of minutes")
    parser.add_argument(
        "--rank", type=int, default=16, metavar="N", help="of LoRA's matrices (default: 16)"
    )
    parser.add_argument("--full", action="store_true", help="train all weights, not LoRA")
    parser.add_argument("--learning-rate", type=float, metavar="X")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fine-tune and print the path of the checkpoint."""
    from midigpt.inference.pretrained import bundled_checkpoint
    from midigpt.training.finetune import finetune

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.minutes <= 0:
        raise ValueError(f"--minutes is {options.minutes}; more than 0 is wanted")
    model = options.model or bundled_checkpoint(None)
    assert model is not None
    path, built = finetune(
        options.folder,
        options.output,
        model,
        minutes=options.minutes,
        steps=options.steps,
        rank=0 if options.full else options.rank,
        learning_rate=options.learning_rate,
        resume=options.resume,
        quiet=options.quiet,
    )
    for why, count in sorted(built.skipped.items()):
        print(f"left out: {count} {why}")
    print(path)
    return 0
