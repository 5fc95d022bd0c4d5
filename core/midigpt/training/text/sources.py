"""Where pieces and their descriptions come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midigpt import events
from midigpt.captions.features import timing
from midigpt.smf import MidiError

#: Filters of the Anticipatory Music Transformer's data: notes, seconds, instruments.
LEAST_NOTES = 100
LEAST_SECONDS, MOST_SECONDS = 10.0, 3600.0
MOST_INSTRUMENTS = 16
#: Of pieces whose tempo stays near one value for less than this share of the time none is said.
LEAST_STEADY = 0.8


@dataclass(frozen=True)
class Piece:
    """A piece of music; without ``captions`` it is described by rule.

    ``tempo`` is None where it changes so much that no number describes it.
    """

    notes: events.Events
    tempo: float | None
    meter: tuple[int, int]
    genre: str | None = None
    captions: tuple[str, ...] = ()


def parse(data: bytes, genre: str | None = None, captions: tuple[str, ...] = ()) -> Piece | None:
    """A piece out of a MIDI file; None if it is unreadable or outside the filters."""
    try:
        notes = events.from_midi(data)
        tempo, meter, steady = timing(data)
    except MidiError:
        return None
    if len(notes) < LEAST_NOTES:
        return None
    seconds = float((notes[:, 0] + notes[:, 1]).max()) / events.TICKS_PER_SECOND
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        return None
    if len(np.unique(notes[:, 2] // 128)) > MOST_INSTRUMENTS:
        return None
    return Piece(notes, tempo if steady >= LEAST_STEADY else None, meter, genre, captions)


def from_parquet(path: Path, most: int | None = None, seed: int = 0) -> Iterator[Piece]:
    """Pieces of a Parquet file with the columns ``midi`` and, if known, ``genre``.

    Args:
        path: the file.
        most: rows to look at, drawn at random; None is all.
        seed: of the draw.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    count = table.num_rows if most is None else min(most, table.num_rows)
    for row in np.random.default_rng(seed).permutation(table.num_rows)[:count]:
        fields = table.slice(int(row), 1).to_pylist()[0]
        if (piece := parse(fields["midi"], fields.get("genre"))) is not None:
            yield piece


def cached(file: Path, find: Callable[[], Iterable[Piece]]) -> list[Piece]:
    """The pieces kept in a file, which are looked for and put there if it does not exist."""
    if not file.is_file():
        found = list(find())
        facts = [(p.tempo, p.meter, p.genre, p.captions, len(p.notes)) for p in found]
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npz")
        notes = np.concatenate([p.notes for p in found] or [np.empty((0, 3), np.int32)])
        np.savez(unfinished, notes=notes, facts=np.array(json.dumps(facts)))
        unfinished.replace(file)
    with np.load(file, allow_pickle=False) as kept:
        notes, facts = kept["notes"], json.loads(str(kept["facts"]))
    ends = np.cumsum([count for *_, count in facts])
    return [
        Piece(notes[end - count : end], tempo, (meter[0], meter[1]), genre, tuple(captions))
        for (tempo, meter, genre, captions, count), end in zip(facts, ends, strict=True)
    ]


def from_midicaps(captions: Path, lakh: Path) -> Iterator[Piece]:
    """Pairs of MidiCaps (arXiv 2406.02255) and the Lakh MIDI dataset, by file id.

    Args:
        captions: JSON lines with ``location`` (as in "lmd_full/1/1a0b...mid") and ``caption``.
        lakh: the folder that holds ``lmd_full``, or that folder itself.

    Raises:
        ValueError: a line has no location or caption; no file of the list is there.
    """
    found = False
    for location, texts in read_midicaps(captions).items():
        file = lakh / location
        if not file.is_file():
            file = lakh / Path(location).relative_to("lmd_full")
        if not file.is_file():
            continue
        found = True
        if (piece := parse(file.read_bytes(), captions=texts)) is not None:
            yield piece
    if not found:
        raise ValueError(f"no file of {captions} is in {lakh}")


def read_midicaps(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Captions by location, leaving out the test split of the Lakh dataset (ids from f on)."""
    texts: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            location, caption = str(row["location"]), str(row["caption"])
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path}: line {number} has no location and caption") from None
        if not Path(location).name.startswith("f"):
            texts[location] = (*texts.get(location, ()), caption)
    return texts
