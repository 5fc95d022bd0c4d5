"""Pieces of music for training: read from Parquet once, kept as compact arrays on the model grid.

A *piece* is what a :class:`~midigpt.score.Score` says, with each note rounded to the nearest tick
of the model grid (as the live server rounds what it is sent) and five small integers for each note.
A corpus of 13 million notes takes about 130 MB.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midigpt.score import Bar, Note, Score

log = logging.getLogger(__name__)

Notes = npt.NDArray[np.int16]
"""Shape (n, 5), sorted by bar: bar, onset in the bar, duration, pitch, velocity; times in ticks."""

_FORMAT = 1  # of the cache; raise it when parsing or rounding changes


@dataclass(frozen=True)
class PieceTrack:
    """One track: General MIDI program (0..127), drums or not, and its notes."""

    program: int
    is_drum: bool
    notes: Notes

    def bars(self, start: int, stop: int) -> Notes:
        """The notes of the bars ``start`` to ``stop - 1``."""
        first, last = np.searchsorted(self.notes[:, 0], (start, stop))
        return self.notes[first:last]

    def has_notes(self, start: int, stop: int) -> bool:
        """Whether a note starts in the bars ``start`` to ``stop - 1``."""
        return len(self.bars(start, stop)) > 0


@dataclass(frozen=True)
class Piece:
    """One piece: its source, the time signature of each bar, and its tracks."""

    source: str
    signatures: npt.NDArray[np.int16]  # (bars, 2): numerator, denominator
    tracks: tuple[PieceTrack, ...]

    @property
    def n_bars(self) -> int:
        """Number of bars, the same for every track."""
        return len(self.signatures)


def load_corpus(
    path: str | Path,
    resolution: int,
    cache_dir: str | Path,
    licences: Iterable[str] | None = None,
) -> list[Piece]:
    """Read the pieces of a Parquet file with the columns midi, source and license.

    Args:
        path: the Parquet file; ``midi`` holds the bytes of Standard MIDI Files.
        resolution: the model grid, in ticks per quarter note.
        cache_dir: where the parsed pieces are kept between runs.
        licences: keep only rows whose SPDX licence is one of these; None keeps all.

    Files that cannot be read are skipped and counted in the log.
    """
    path = Path(path)
    kept = None if licences is None else frozenset(licences)
    key = f"{_FORMAT}:{resolution}:{sorted(kept) if kept is not None else None}"
    digest = hashlib.sha256(path.read_bytes() + key.encode()).hexdigest()[:16]
    cache = Path(cache_dir) / f"corpus-{path.stem}-{digest}.npz"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        _save(cache, _parse_rows(path, resolution, kept))
    return _load(cache)


def piece_from_score(score: Score, source: str, resolution: int) -> Piece:
    """Round a score to the model grid; a note that rounds up to the bar line joins the next bar."""
    bars = max((track.bars for track in score.tracks), key=len, default=[])
    lengths = [round(bar.beat_length * resolution) for bar in bars]
    scale = resolution / score.resolution
    tracks = []
    for track in score.tracks:
        rows = [
            _round_note(note, index, scale, lengths)
            for index, bar in enumerate(track.bars)
            for note in bar.notes
        ]
        notes = np.array(sorted(rows), np.int16).reshape(-1, 5)
        tracks.append(PieceTrack(track.instrument, track.track_type == "drum", notes))
    signatures = np.array([(b.ts_numerator, b.ts_denominator) for b in bars], np.int16)
    return Piece(source, signatures.reshape(-1, 2), tuple(tracks))


def bars_from_piece(piece: Piece, track: PieceTrack, start: int, stop: int) -> list[Bar]:
    """The bars ``start`` to ``stop - 1`` of one track, as score bars on the model grid."""
    bars = [
        Bar([], int(n), int(d), beat_length=4.0 * float(n) / float(d))
        for n, d in piece.signatures[start:stop]
    ]
    for bar, onset, duration, pitch, velocity in track.bars(start, stop).tolist():
        bars[bar - start].notes.append(Note(pitch, velocity, onset, duration))
    return bars


def _round_note(
    note: Note, bar: int, scale: float, lengths: list[int]
) -> tuple[int, int, int, int, int]:
    onset = int(note.onset_ticks * scale + 0.5)
    duration = max(1, int(note.duration_ticks * scale + 0.5))
    if onset >= lengths[bar]:
        bar, onset = (bar + 1, 0) if bar + 1 < len(lengths) else (bar, lengths[bar] - 1)
    return bar, onset, min(duration, 32767), note.pitch, note.velocity


def _parse_rows(path: Path, resolution: int, licences: frozenset[str] | None) -> Iterator[Piece]:
    from pyarrow import parquet
    from tqdm import tqdm

    table = parquet.read_table(path, columns=["midi", "source", "license"])
    skipped = 0
    for row in tqdm(table.to_batches(max_chunksize=1), desc=f"read {path.name}", unit="piece"):
        midi, source, licence = (column[0].as_py() for column in row.columns)
        if licences is not None and licence not in licences:
            continue
        try:
            yield piece_from_score(Score.from_bytes(midi), source, resolution)
        except ValueError as error:
            skipped += 1
            log.debug("%s: %s", source, error)
    if skipped:
        log.warning("%s: %d files could not be read", path.name, skipped)


def _save(path: Path, pieces: Iterable[Piece]) -> None:
    """Flat arrays: notes and signatures end to end, one row for each track, one for each piece."""
    notes, signatures, tracks, counts, sources = [], [], [], [], []
    for piece in pieces:
        sources.append(piece.source)
        signatures.append(piece.signatures)
        counts.append((piece.n_bars, len(piece.tracks)))
        for track in piece.tracks:
            notes.append(track.notes)
            tracks.append((track.program, track.is_drum, len(track.notes)))
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        notes=np.concatenate([np.zeros((0, 5), np.int16), *notes]),
        signatures=np.concatenate([np.zeros((0, 2), np.int16), *signatures]),
        tracks=np.array(tracks, np.int64).reshape(-1, 3),
        counts=np.array(counts, np.int64).reshape(-1, 2),
        sources=np.array(sources, np.str_),
    )
    partial.replace(path)


def _load(path: Path) -> list[Piece]:
    with np.load(path) as arrays:
        data: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    pieces = []
    note = bar = track = 0
    for source, (n_bars, n_tracks) in zip(data["sources"], data["counts"].tolist(), strict=True):
        tracks = []
        for program, is_drum, n_notes in data["tracks"][track : track + n_tracks].tolist():
            tracks.append(PieceTrack(program, bool(is_drum), data["notes"][note : note + n_notes]))
            note += n_notes
        pieces.append(Piece(str(source), data["signatures"][bar : bar + n_bars], tuple(tracks)))
        bar, track = bar + n_bars, track + n_tracks
    return pieces
