"""``preprocess``: parse and check all music once, so that training starts at once.

The pieces go to the cache (``MIDIGPT_CACHE``, by default ``~/.midigpt``), where ``train`` finds
them as long as the file and the choice of rows stay the same.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from midigpt.training.corpus import Corpus, load_corpus
from midigpt.training.encoders import load_encoder_config
from midigpt.training.rows import RowChoice
from midigpt.training.trainer import Files, expand

log = logging.getLogger(__name__)


def preprocess(
    files: Files,
    encoder_config: str | os.PathLike[str],
    choice: RowChoice | None = None,
    workers: int = 0,
) -> dict[Path, Corpus]:
    """Parse the music of Parquet files into the cache; files that cannot be read are skipped.

    Args:
        files: paths or patterns.
        encoder_config: JSON file, or a checkpoint that has one; its resolution is what counts.
        choice: which rows.
        workers: processes; 0 = one for each core.

    Raises:
        ValueError: none of the files can be read.
        OSError: there is no such file.
    """
    resolution = load_encoder_config(Path(encoder_config)).resolution
    found: dict[Path, Corpus] = {}
    failures = []
    for file in expand(files):
        try:
            found[file] = load_corpus(file, resolution, choice, workers)
        except ValueError as error:
            log.warning("skipped: %s", error)
            failures.append(str(error))
    if not found:
        raise ValueError("; ".join(failures))
    return found


def usable(corpus: Corpus, min_bars: int, min_tracks: int, encoder_config: Path) -> int:
    """How many pieces have so many tracks, so many bars, and only time signatures it knows."""
    known = set(load_encoder_config(encoder_config).time_signatures)
    return sum(
        piece.n_bars >= min_bars
        and len(piece.tracks) >= min_tracks
        and known.issuperset(map(tuple, piece.signatures.tolist()))
        for piece in corpus.pieces
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of MIDI-GPT 0.4.2, and those that choose rows."""
    parser.add_argument("--parquet", nargs="+", required=True, metavar="FILE")
    encoder = parser.add_mutually_exclusive_group(required=True)
    encoder.add_argument("--checkpoint", metavar="FILE", help="a checkpoint with an encoder")
    encoder.add_argument("--encoder-config", metavar="FILE", help="an encoder as JSON")
    parser.add_argument("--min-bars", type=int, default=4, metavar="N", help="(default: 4)")
    parser.add_argument("--min-tracks", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes; 0 = one for each core"
    )
    add_choice(parser)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """The arguments that choose rows by source and licence."""
    parser.add_argument(
        "--exclude-source",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out a source (column source); may be repeated",
    )
    parser.add_argument(
        "--licence",
        action="append",
        default=[],
        metavar="SPDX",
        help="use only rows with this licence (column license); may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    """Preprocess and say what was found, one line for each file."""
    encoder = Path(options.encoder_config or options.checkpoint)
    choice = RowChoice(
        tuple(options.licence), tuple(options.exclude_source), min_tracks=options.min_tracks
    )
    found = preprocess(options.parquet, encoder, choice, options.workers)
    for file, corpus in found.items():
        count = usable(corpus, options.min_bars, options.min_tracks, encoder)
        if getattr(options, "json", False):
            line = {"file": str(file), "pieces": len(corpus.pieces), "usable": count}
            print(json.dumps({**line, "skipped": corpus.skipped}))
        else:
            print(f"{corpus.tell(str(file))}; {count} have enough bars and known meters")
    return 0


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m midigpt.training.preprocess`` with the arguments of MIDI-GPT 0.4.2."""
    parser = argparse.ArgumentParser(
        prog="python -m midigpt.training.preprocess", description=main.__doc__
    )
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        run(options)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
