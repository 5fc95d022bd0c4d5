"""The rows of a Parquet file of music, chosen by its columns before any MIDI is parsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

_MIDI_COLUMNS = ("midi", "music")
_CHOICE_COLUMNS = ("license", "source", "num_tracks", "total_notes")
_LABEL_COLUMNS = ("music_style_scraped", "NOMML")
_BATCH = 64  # rows in memory at once


@dataclass(frozen=True)
class Row:
    """The bytes of a Standard MIDI File, and what else is known of it.

    Attributes:
        midi: the file.
        source: where it is from; empty if unknown.
        styles: names of genres, in lower case (column ``music_style_scraped``, URL-encoded, with
            commas between them).
        metric_levels: of each track, 0..12, -1 = unknown (column ``NOMML``).
    """

    midi: bytes
    source: str
    styles: tuple[str, ...] = ()
    metric_levels: tuple[int, ...] = ()


@dataclass(frozen=True)
class RowChoice:
    """Which rows to use; a condition on a column that a file lacks holds for all of its rows.

    Attributes:
        licences: SPDX licences (column ``license``); empty = all.
        exclude_sources: sources to leave out (column ``source``).
        min_tracks: least ``num_tracks``.
        min_notes: least ``total_notes``.
    """

    licences: tuple[str, ...] = ()
    exclude_sources: tuple[str, ...] = ()
    min_tracks: int = 1
    min_notes: int = 1


def count_rows(path: str | Path) -> int:
    """Number of all rows of the file."""
    return int(_open(Path(path)).metadata.num_rows)


def chosen_rows(path: str | Path, choice: RowChoice, skipped: Counter[str]) -> Iterator[Row]:
    """The rows chosen, a few at a time in memory; the others are counted in ``skipped`` by reason.

    Raises:
        ValueError: not a Parquet file, or without a column of MIDI files.
    """
    import pyarrow as arrow

    path = Path(path)
    file = _open(path)
    names = set(file.schema_arrow.names)
    midi = next((name for name in _MIDI_COLUMNS if name in names), None)
    if midi is None:
        raise ValueError(f"{path} has no column of MIDI files; one of {_MIDI_COLUMNS} is wanted")
    wanted = {*_CHOICE_COLUMNS, *_LABEL_COLUMNS} & names
    for group in range(file.metadata.num_row_groups):
        unread = file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(_BATCH, row_groups=[group], columns=[midi, *wanted]):
                unread -= len(batch)
                kept = batch.filter(_condition(batch, choice))
                skipped["not chosen"] += len(batch) - len(kept)
                for row in kept.to_pylist():
                    data, source = row[midi], row.get("source")
                    if isinstance(data, str):  # text in place of bytes cannot be a MIDI file
                        data = None
                    styles = _styles(row.get("music_style_scraped"))
                    yield Row(data or b"", source or "", styles, _levels(row.get("NOMML")))
        except (arrow.ArrowException, OSError):
            skipped["in damaged parts of the file"] += unread
    if not skipped["not chosen"]:
        del skipped["not chosen"]


def _styles(text: object) -> tuple[str, ...]:
    names = unquote_plus(text).split(",") if isinstance(text, str) else ()
    return tuple(name.strip().lower() for name in names if name.strip())


def _levels(values: object) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(isinstance(value, int) for value in values):
        return ()
    return tuple(values)


def _open(path: Path) -> Any:
    import pyarrow as arrow
    from pyarrow import parquet

    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    try:
        return parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise ValueError(f"{path} is not a whole Parquet file: {error}") from None


def _condition(batch: Any, choice: RowChoice) -> Any:
    """One truth value for each row."""
    import pyarrow as arrow
    from pyarrow import compute

    names = set(batch.schema.names)
    holds = arrow.array([True] * len(batch))
    if choice.licences and "license" in names:
        licences = arrow.array(choice.licences)
        holds = compute.and_(holds, compute.is_in(batch["license"], value_set=licences))
    if choice.exclude_sources and "source" in names:
        excluded = arrow.array(choice.exclude_sources)
        inside = compute.is_in(batch["source"], value_set=excluded)
        holds = compute.and_(holds, compute.invert(inside))
    for name, least in (("num_tracks", choice.min_tracks), ("total_notes", choice.min_notes)):
        if name in names:
            enough = compute.fill_null(compute.greater_equal(batch[name], least), False)
            holds = compute.and_(holds, enough)
    return holds
