"""``midigpt caption``: what MIDI files are, in words."""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from midigpt.captions import caption, measure_midi
from midigpt.smf import MidiError

_EXAMPLES = """examples:
  midigpt caption song.mid
  midigpt caption songs/*.mid --n 3 --seed 1
  midigpt caption song.mid --genre jazz --json

Descriptions are made by rule: instruments, tempo, meter, key, density, mood.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "caption",
        help="describe MIDI files in words",
        description="Describe MIDI files in words, by rule.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE.mid", nargs="+", help="Standard MIDI Files")
    parser.add_argument("--n", type=int, default=1, metavar="N", help="phrasings of each (1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the phrasings (0)")
    parser.add_argument("--genre", metavar="WORD", help="to be mentioned; no rule finds it")
    parser.add_argument("--json", action="store_true", help="facts and phrasings, a line a file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the descriptions."""
    if options.n < 1:
        raise ValueError(f"--n is {options.n}; at least 1 is wanted")
    rng = random.Random(options.seed)
    for name in options.files:
        try:
            features = measure_midi(Path(name).read_bytes(), options.genre)
        except MidiError as error:
            raise MidiError(f"{name}: {error}") from None
        texts = [caption(features, rng) for _ in range(options.n)]
        if options.json:
            print(json.dumps({"file": name, **asdict(features), "captions": texts}))
        else:
            for text in texts:
                print(f"{name}: {text}")
    return 0
