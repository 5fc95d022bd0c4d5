"""Where the pieces come from: parquet files with a ``midi`` column, or folders of MIDI files."""

from __future__ import annotations

import random
from pathlib import Path

from tests.parity.case import Piece


def pieces(paths: list[Path], count: int, seed: int, stride: int) -> list[Piece]:
    """``count`` pieces drawn at random, taking turns among the sources (and the folders)."""
    by_source: dict[str, list[Piece]] = {}
    for path in paths:
        for source, piece in _found(path, stride):
            by_source.setdefault(source, []).append(piece)
    rng = random.Random(seed)
    for found in by_source.values():
        rng.shuffle(found)
    chosen: list[Piece] = []
    while len(chosen) < count and any(by_source.values()):
        for found in by_source.values():
            if found and len(chosen) < count:
                chosen.append(found.pop())
    return chosen


def _found(path: Path, stride: int) -> list[tuple[str, Piece]]:
    if path.suffix != ".parquet":
        files = sorted(path.rglob("*.mid")) if path.is_dir() else [path]
        return [(str(f.parent), Piece(f.name, f.read_bytes(), stride)) for f in files]
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    sources = table["source"] if "source" in table.column_names else [path.name] * len(table)
    return [
        (str(source), Piece(f"{path.name}:{row}", midi.as_py(), stride))
        for row, (source, midi) in enumerate(zip(sources, table["midi"], strict=True))
    ]
