"""Pieces of music for training: read from Parquet once, kept as compact arrays on the model grid.

A *piece* is what a :class:`~midigpt.score.Score` says, with each note rounded to the nearest tick
of the model grid (as the live server rounds what it is sent) and five small integers for each note.
A corpus of 13 million notes takes about 130 MB.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from midigpt.cache import cache_dir, file_cache_key
from midigpt.score import Bar, Note, Score
from midigpt.training.isolation import Crash, map_isolated
from midigpt.training.rows import Row, RowChoice, chosen_rows, count_rows

log = logging.getLogger(__name__)

Notes = npt.NDArray[np.int16]
"""Shape (n, 5), sorted by bar: bar, onset in the bar, duration, pitch, velocity; times in ticks."""

_FORMAT = 3  # of the cache; raise it when parsing or rounding changes


@dataclass(frozen=True)
class PieceTrack:
    """One track: General MIDI program (0..127), drums or not, its notes, and its metric level.

    The metric level is what a label says, 0..12; -1 = to be measured.
    """

    program: int
    is_drum: bool
    notes: Notes
    metric_level: int = -1

    def bars(self, start: int, stop: int) -> Notes:
        """The notes of the bars ``start`` to ``stop - 1``."""
        first, last = np.searchsorted(self.notes[:, 0], (start, stop))
        return self.notes[first:last]

    def has_notes(self, start: int, stop: int) -> bool:
        """Whether a note starts in the bars ``start`` to ``stop - 1``."""
        return len(self.bars(start, stop)) > 0

    def n_played(self, start: int, stop: int) -> int:
        """In how many of the bars ``start`` to ``stop - 1`` a note starts."""
        return len(np.unique(self.bars(start, stop)[:, 0]))


@dataclass(frozen=True)
class Piece:
    """One piece: its source, the time signature of each bar, its tracks, and names of genres."""

    source: str
    signatures: npt.NDArray[np.int16]  # (bars, 2): numerator, denominator
    tracks: tuple[PieceTrack, ...]
    styles: tuple[str, ...] = ()

    @property
    def n_bars(self) -> int:
        """Number of bars, the same for every track."""
        return len(self.signatures)


@dataclass(frozen=True)
class Corpus:
    """The pieces of a Parquet file, and what was left out of it and why."""

    pieces: list[Piece]
    skipped: dict[str, int]

    def tell(self, name: str) -> str:
        """One line for the user."""
        left_out = "".join(f", {n} {why}" for why, n in sorted(self.skipped.items()))
        return f"{name}: {len(self.pieces)} pieces{left_out}"


def load_corpus(
    path: str | Path, resolution: int, choice: RowChoice | None = None, workers: int = 0
) -> Corpus:
    """Read the pieces of a Parquet file with MIDI files in a column ``midi`` or ``music``.

    The pieces are kept in the cache (see :mod:`midigpt.cache`) for the next time. Files that cannot
    be read are skipped and counted; each is parsed in a process of its own kind, so that one that
    crashes the parser costs nothing else.

    Args:
        path: the Parquet file.
        resolution: the model grid, in ticks per quarter note.
        choice: which rows to use; None = all.
        workers: processes; 0 = one for each core.

    Raises:
        ValueError: not a Parquet file, or one without MIDI files.
        OSError: it cannot be read.
    """
    path, choice = Path(path), choice or RowChoice()
    key = file_cache_key(path, format=_FORMAT, resolution=resolution, choice=repr(choice))
    cache = cache_dir() / f"corpus-{path.stem}-{key}.npz"
    if not cache.exists():
        skipped: Counter[str] = Counter()
        pieces = _parse_rows(path, resolution, choice, workers or os.cpu_count() or 1, skipped)
        _save(cache, pieces, skipped)
    corpus = _load(cache)
    if not corpus.pieces:  # the fault may lie elsewhere: look again next time
        cache.unlink()
    return corpus


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


def _parse_rows(
    path: Path, resolution: int, choice: RowChoice, workers: int, skipped: Counter[str]
) -> Iterator[Piece]:
    rows = chosen_rows(path, choice, skipped)
    parsed = map_isolated(partial(_parse, resolution), rows, workers)
    with tqdm(total=count_rows(path), desc=f"read {path.name}", unit="piece") as progress:
        for piece in parsed:
            progress.update()
            if isinstance(piece, Piece):
                yield piece
            else:
                skipped["crashed the parser" if isinstance(piece, Crash) else piece] += 1


def _parse(resolution: int, row: Row) -> Piece | str:
    """The piece, or why there is none."""
    try:
        piece = _label(piece_from_score(Score.from_bytes(row.midi), row.source, resolution), row)
    except Exception as error:  # whatever a file of unknown origin does to the parser
        log.debug("%s: %s", row.source, error)
        return "could not be read"
    return piece if piece.tracks else "without notes"


def _label(piece: Piece, row: Row) -> Piece:
    """The piece with what the row says of it; levels of other tracks than these are no use."""
    tracks = piece.tracks
    if len(row.metric_levels) == len(tracks):
        tracks = tuple(map(_with_level, tracks, row.metric_levels))
    return replace(piece, tracks=tracks, styles=row.styles)


def _with_level(track: PieceTrack, level: int) -> PieceTrack:
    return replace(track, metric_level=level)


def _save(path: Path, pieces: Iterable[Piece], skipped: Mapping[str, int]) -> None:
    """Flat arrays: notes and signatures end to end, one row for each track, one for each piece."""
    notes, signatures, tracks, counts, sources, styles = [], [], [], [], [], []
    for piece in pieces:
        sources.append(piece.source)
        styles.append(",".join(piece.styles))
        signatures.append(piece.signatures)
        counts.append((piece.n_bars, len(piece.tracks)))
        for track in piece.tracks:
            notes.append(track.notes)
            tracks.append((track.program, track.is_drum, len(track.notes), track.metric_level))
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        notes=np.concatenate([np.zeros((0, 5), np.int16), *notes]),
        signatures=np.concatenate([np.zeros((0, 2), np.int16), *signatures]),
        tracks=np.array(tracks, np.int64).reshape(-1, 4),
        counts=np.array(counts, np.int64).reshape(-1, 2),
        sources=np.array(sources, np.str_),
        styles=np.array(styles, np.str_),
        skipped=np.array(json.dumps(skipped)),
    )
    partial.replace(path)


def _load(path: Path) -> Corpus:
    with np.load(path) as arrays:
        data: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    pieces = []
    note = bar = track = 0
    columns = (data["sources"], data["counts"].tolist(), data["styles"])
    for source, (n_bars, n_tracks), names in zip(*columns, strict=True):
        tracks = []
        for program, is_drum, n_notes, level in data["tracks"][track : track + n_tracks].tolist():
            notes = data["notes"][note : note + n_notes]
            tracks.append(PieceTrack(program, bool(is_drum), notes, level))
            note += n_notes
        styles = tuple(str(names).split(",")) if names else ()
        signatures = data["signatures"][bar : bar + n_bars]
        pieces.append(Piece(str(source), signatures, tuple(tracks), styles))
        bar, track = bar + n_bars, track + n_tracks
    return Corpus(pieces, json.loads(str(data["skipped"])))
