"""``midigpt preprocess``: parse the music of Parquet files once, before training."""

from __future__ import annotations

from typing import Any

_EXAMPLES = """examples:
  midigpt preprocess --parquet train.parquet --encoder-config models/encoders/ghost.json
  midigpt preprocess --parquet data/*.parquet --checkpoint my.safetensors --exclude-source POP909

A row that cannot be parsed, even one that crashes the parser, is skipped and counted. The result is
kept in the folder of the environment variable MIDIGPT_CACHE (default: ~/.midigpt).
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    from midigpt.training import preprocess

    parser = commands.add_parser(
        "preprocess",
        help="parse the music of Parquet files once, before training",
        description="Parse and check the music of Parquet files once, before training.",
        epilog=_EXAMPLES,
    )
    preprocess.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")
    parser.set_defaults(run=preprocess.run)
