"""Own MIDI files as Parquet files to train on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from midigpt.score import Score
from midigpt.training.isolation import Crash, map_isolated

_SUFFIXES = (".mid", ".midi", ".kar")


@dataclass
class Built:
    """The files written, with their number of pieces, and what was left out and why."""

    files: dict[Path, int] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Piece:
    """What is known of a MIDI file that could be read."""

    midi: bytes
    notes_digest: str
    num_tracks: int
    total_notes: int
    bars: int


def build_dataset(
    folder: str | Path,
    output: str | Path,
    licence: str,
    source: str = "",
    valid: float = 0.0,
    test: float = 0.0,
    workers: int = 1,
    min_bars: int = 4,
    quiet: bool = False,
) -> Built:
    """Write the MIDI files of a folder, and of the folders in it, to Parquet files.

    Files with the same notes are taken once, however their tempo, names or instruments differ. The
    split is by the content of the piece, so it stays the same when files are added or renamed.

    Args:
        folder: where the files are (.mid, .midi, .kar).
        output: Parquet file for training; those for validation and test are named after it, as in
            ``data.valid.parquet``.
        licence: SPDX expression for the column ``license``, such as "CC0-1.0".
        source: name for the column ``source``; by default that of the folder.
        valid, test: share of the pieces, 0..1, for validation and test.
        workers: processes that read the files.
        min_bars: shorter pieces are left out.
        quiet: no progress bar.

    Raises:
        ValueError: shares out of range, or no MIDI file that can be read.
        OSError: the folder is not there.
    """
    folder, output = Path(folder), Path(output)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    if valid < 0 or test < 0 or valid + test >= 1:
        raise ValueError(f"valid is {valid} and test is {test}; their sum must be below 1")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    built = Built()
    parts: dict[Path, list[dict[str, Any]]] = {}
    seen: set[str] = set()
    for path, piece in _read(paths, min_bars, workers, built.skipped, quiet):
        if piece.notes_digest in seen:
            built.skipped["the same notes as another"] += 1
            continue
        seen.add(piece.notes_digest)
        part = _part(output, piece.notes_digest, valid, test)
        parts.setdefault(part, []).append(
            {
                "midi": piece.midi,
                "source": source or folder.resolve().name,
                "license": licence,
                "title": path.stem,
                "num_tracks": piece.num_tracks,
                "total_notes": piece.total_notes,
                "bars": piece.bars,
            }
        )
    if not parts:
        left_out = ", ".join(f"{n} {why}" for why, n in built.skipped.items()) or "no .mid file"
        raise ValueError(f"{folder} has no MIDI file that can be used: {left_out}")
    for part, rows in parts.items():
        _write(part, rows)
        built.files[part] = len(rows)
    return built


def _read(
    paths: list[Path], min_bars: int, workers: int, skipped: Counter[str], quiet: bool
) -> Iterator[tuple[Path, _Piece]]:
    found: Iterable[_Piece | str | Crash] = map_isolated(partial(_parse, min_bars), paths, workers)
    progress = tqdm(paths, desc="read", unit="file", disable=quiet)
    for path, piece in zip(progress, found, strict=True):
        if isinstance(piece, _Piece):
            yield path, piece
        else:
            skipped["crashed the parser" if isinstance(piece, Crash) else piece] += 1


def _parse(min_bars: int, path: Path) -> _Piece | str:
    """What the file is, or why it is left out."""
    try:
        midi = path.read_bytes()
        score = Score.from_bytes(midi)
    except Exception:  # whatever a file of unknown origin does to the parser
        return "could not be read"
    notes = [
        (bar, note.onset_ticks * 480 // score.resolution, note.pitch)
        for track in score.tracks
        for bar, content in enumerate(track.bars)
        for note in content.notes
    ]
    bars = max((len(track.bars) for track in score.tracks), default=0)
    if not notes:
        return "without notes"
    if bars < min_bars:
        return f"shorter than {min_bars} bars"
    digest = hashlib.sha256(repr(sorted(notes)).encode()).hexdigest()
    return _Piece(midi, digest, len(score.tracks), len(notes), bars)


def _part(output: Path, digest: str, valid: float, test: float) -> Path:
    place = int(digest[:8], 16) / 16**8  # 0..1, the same for a piece whatever else is there
    if place < valid:
        return output.with_suffix(f".valid{output.suffix}")
    if place < valid + test:
        return output.with_suffix(f".test{output.suffix}")
    return output


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as arrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_name(path.name + ".partial")
    parquet.write_table(arrow.Table.from_pylist(rows), partial_file, compression="zstd")
    partial_file.replace(path)
