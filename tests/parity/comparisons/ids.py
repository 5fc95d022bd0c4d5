"""Token ids of every window, without and with fill-ins. Units: ids, and notes on the grid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

from midigpt import Score
from tests.parity.case import Case, Piece, outcome
from tests.parity.windows import (
    NAMES,
    as_data,
    note_count,
    options,
    random_fill,
    tokenizer,
    windows,
)

#: The oracle sorts the notes of one onset with a sort that is stable up to this many.
STABLE_NOTES = 16


def cases(piece: Piece) -> Iterator[Case]:
    """The piece on each model grid, and its windows with the attributes of the window."""
    score = Score.from_bytes(piece.midi)
    for name in NAMES:
        tok = tokenizer(name)
        grid = tok.normalize_input(score)
        yield Case(f"model grid, {name}", name, as_data(grid), note_count(grid))
        for window in windows(grid, piece.stride, [name]):
            for fill in (set(), random_fill(window)):
                ids = outcome(partial(tok.encode, window.score, options(multi_fill=fill)))
                group = f"ids, {name}, {window.bars} bars{', fill' if fill else ''}"
                excuse = partial(crowded, window.score)
                yield Case(group, window.label, ids, len(ids), excuse)


def crowded(score: Score) -> str:
    """The excuse of a grid score in which the oracle's order of equal notes is undefined."""
    for track in score.tracks:
        for bar in track.bars:
            keys = sorted((n.onset_ticks, n.pitch) for n in bar.notes)
            for _, group in groupby(keys, key=lambda key: key[0]):
                pitches = list(group)
                if len(pitches) > STABLE_NOTES and len(set(pitches)) < len(pitches):
                    return f"more than {STABLE_NOTES} notes of one onset, with equal pitches"
    return ""
