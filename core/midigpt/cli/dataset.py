"""``midigpt dataset build``: own MIDI files as Parquet files to train on."""

from __future__ import annotations

import argparse
import os
from typing import Any

_EXAMPLES = """examples:
  midigpt dataset build ~/midi -o data.parquet --licence CC0-1.0
  midigpt dataset build ~/midi -o data.parquet --licence LicenseRef-mine --valid 0.05 --test 0.05
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "dataset",
        help="make Parquet files of MIDI files, to train on",
        description="Make Parquet files of MIDI files, to train on.",
        epilog=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build",
        help="from a folder",
        description="Collect the MIDI files of a folder; the same piece is taken once.",
        epilog=_EXAMPLES,
    )
    build.add_argument("folder", metavar="FOLDER", help="MIDI files, in folders of any depth")
    build.add_argument("-o", "--output", required=True, metavar="FILE.parquet")
    build.add_argument(
        "--licence",
        default="LicenseRef-unknown",
        metavar="SPDX",
        help="licence of the music, for the column license (default: %(default)s)",
    )
    build.add_argument("--source", default="", metavar="NAME", help="(default: the folder's name)")
    for name in ("valid", "test"):
        build.add_argument(
            f"--{name}", type=float, default=0.0, metavar="SHARE", help=f"of pieces kept for {name}"
        )
    build.add_argument("--min-bars", type=int, default=4, metavar="N", help="(default: 4)")
    build.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    build.add_argument("--quiet", action="store_true", help="no progress bar")
    build.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build and say what was written and left out."""
    from midigpt.training.build import build_dataset

    built = build_dataset(
        options.folder,
        options.output,
        options.licence,
        options.source,
        options.valid,
        options.test,
        options.workers,
        options.min_bars,
        options.quiet,
    )
    for path, count in sorted(built.files.items()):
        print(f"{path}: {count} pieces")
    for why, count in sorted(built.skipped.items()):
        print(f"left out: {count} {why}")
    return 0
