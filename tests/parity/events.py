"""``python -m tests.parity.events``: events of real files, against mido, and there and back.

1. Events of each file equal those of the rule restated with mido.
2. Events to MIDI to events is the identity, but for what a file of events cannot hold: notes of one
   pitch that overlap within an instrument come back paired first in, first out (their onsets and
   releases stay), and instruments beyond the fifteenth melodic one are dropped.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from midigpt import events
from tests.core.events_by_mido import by_mido
from tests.parity.music import pieces


def main() -> int:
    """Compare and print counts; 1 if anything differs beyond the stated clamps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, nargs="+", required=True)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for piece in tqdm(pieces(options.music, options.files, options.seed, 0), leave=False):
        counts.update(compare(piece.midi))
    for name, count in counts.items():
        print(f"{name}: {count}")
    wrong = [name for name in counts if name.startswith("DIFFERENT")]
    return 1 if wrong else 0


def compare(data: bytes) -> Counter[str]:
    """Counts of one file."""
    found = events.from_midi(data)
    counts = Counter({"files": 1, "notes": len(found), "cut to 9.99 s": 0})
    counts["cut to 9.99 s"] = int((found[:, 1] == events.DURATIONS - 1).sum())
    if found.tolist() != by_mido(data):
        counts["DIFFERENT from mido"] = 1
    for start in range(0, int(found[:, 0].max(initial=0)) + 1, events.TIMES):
        counts.update(round_trip(events.window(found, start)))
    return counts


def round_trip(piece: events.Events) -> Counter[str]:
    """Ids, then a file, then events again, of a window."""
    counts = Counter({"windows": 1})
    ids = events.to_ids(piece)
    parsed = events.from_ids(ids)
    if parsed.malformed or not np.array_equal(parsed.notes, piece):
        counts["DIFFERENT after ids"] = 1
    written = events.to_midi(piece)
    again = events.from_midi(written.data)
    counts["notes without a channel"] = written.dropped
    if written.dropped:
        kept = np.unique(again[:, 2] // 128)
        piece = piece[np.isin(piece[:, 2] // 128, kept)]
    ours, theirs = _sorted(piece), _sorted(again)
    if len(ours) != len(theirs):
        counts["DIFFERENT number of notes"] = 1
        return counts
    odd = np.any(ours != theirs, axis=1)
    counts["notes paired anew"] = int(odd.sum())
    overlapping = _overlapping(ours)
    if np.any(odd & ~overlapping) or not _same_edges(ours, theirs):
        counts["DIFFERENT after MIDI"] = 1
    return counts


def _sorted(piece: events.Events) -> events.Events:
    return piece[np.lexsort((piece[:, 1], piece[:, 2], piece[:, 0]))]


def _overlapping(piece: events.Events) -> np.ndarray:
    """Which notes sound, or begin, together with another of the same pitch and instrument."""
    result = np.zeros(len(piece), dtype=bool)
    for note in np.unique(piece[:, 2]):
        index = np.flatnonzero(piece[:, 2] == note)
        starts, ends = piece[index, 0], piece[index, 0] + piece[index, 1]
        for k, i in enumerate(index):
            others = np.arange(len(index)) != k
            touch = (starts <= ends[k]) & (ends >= starts[k])
            result[i] = bool(np.any(others & touch & ~((starts == ends[k]) | (ends == starts[k]))))
            result[i] |= bool(np.any(others & (starts == starts[k])))
    return result


def _same_edges(a: events.Events, b: events.Events) -> bool:
    """Whether onsets and releases are the same as multisets of (time, note)."""

    def edges(piece: events.Events) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        on = sorted(zip(piece[:, 0].tolist(), piece[:, 2].tolist(), strict=True))
        off = sorted(zip((piece[:, 0] + piece[:, 1]).tolist(), piece[:, 2].tolist(), strict=True))
        return on, off

    return edges(a) == edges(b)


if __name__ == "__main__":
    sys.exit(main())
