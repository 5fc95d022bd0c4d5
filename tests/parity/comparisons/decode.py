"""Decoded scores, and their ids when encoded again. Unit: ids."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from midigpt import Score
from tests.parity.case import Case, Piece, outcome
from tests.parity.windows import as_data, options, random_fill, tokenizer, windows


def cases(piece: Piece) -> Iterator[Case]:
    """What the ids of each window decode to, on the grid and resampled, and the ids of that.

    Every second window or so has fill-ins.
    """
    for window in windows(Score.from_bytes(piece.midi), piece.stride):
        tok = tokenizer(window.encoder)
        fill = random_fill(window) if window.random().random() < 0.5 else set()
        ids = outcome(partial(tok.encode, window.score, options(multi_fill=fill)))
        if isinstance(ids, dict):  # refused: the comparison of ids has it
            continue
        kind = ", fill" if fill else ""
        grid = tok.decode(ids, resample=False)
        value = {"grid": without_label(as_data(grid)), "score": as_data(tok.decode(ids))}
        yield Case(f"decode, {window.encoder}{kind}", window.label, value, len(ids))
        grid.resolution = tok._vocab.config().resolution
        again = tok.encode(grid)
        yield Case(f"round trip, {window.encoder}{kind}", window.label, again, len(again))


def without_label(score: dict[str, Any]) -> dict[str, Any]:
    """The score without its resolution: the oracle says decode_resolution, we say what it is."""
    return {key: value for key, value in score.items() if key != "resolution"}
