"""Token ids of every window, without and with fill-ins. Unit: ids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from midigpt import Score
from tests.parity.case import Case, Piece, outcome
from tests.parity.windows import options, random_fill, tokenizer, windows

#: The oracle sorts the notes of one onset with a sort that is stable up to this many.
STABLE_NOTES = 16


def cases(piece: Piece) -> Iterator[Case]:
    """Ids with attributes computed on the window, as in training."""
    for window in windows(Score.from_bytes(piece.midi), piece.stride):
        tok = tokenizer(window.encoder)
        excuse = crowded(tok.normalize_input(window.score))
        for fill in (set(), random_fill(window)):
            opts = options(multi_fill=fill)
            ids = outcome(lambda tok=tok, opts=opts, score=window.score: tok.encode(score, opts))
            group = f"ids, {window.encoder}, {window.bars} bars{', fill' if fill else ''}"
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
