"""Decoding of damaged sequences. Unit: ids."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

from midigpt import Score, _core
from tests.parity.case import Case, Piece, outcome
from tests.parity.comparisons.decode import without_label
from tests.parity.comparisons.options import encoded, random_levels
from tests.parity.windows import as_data, random_fill, tokenizer, windows


def cases(piece: Piece) -> Iterator[Case]:
    """Windows with ids dropped, doubled, swapped and replaced."""
    for window in windows(Score.from_bytes(piece.midi), piece.stride):
        tok = tokenizer(window.encoder)
        rng = Random("damage " + window.label)
        fill = random_fill(window) if rng.random() < 0.5 else set()
        score = tok.normalize_input(window.score)
        for track in score.tracks:
            track.attributes = random_levels(rng, window.bars)
        encoding = outcome(partial(encoded, tok, score, {"multi_fill": fill}))
        if isinstance(encoding, dict):  # refused: the comparison of ids has it
            continue
        damaged = damage(encoding[0], tok.vocab_size(), rng)
        damaged = without_surplus_ends(tok._vocab, damaged)
        value = without_label(as_data(tok.decode(damaged, resample=False)))
        yield Case(f"decode damaged, {window.encoder}", window.label, value, len(damaged))


def damage(ids: list[int], vocabulary_size: int, rng: Random) -> list[int]:
    """``ids`` with one in ten or one in a hundred touched."""
    rate = rng.choice([0.01, 0.1])
    out: list[int] = []
    for token in ids:
        kind = rng.random() / rate
        if kind >= 1:
            out.append(token)
        elif kind < 0.3:
            out.append(rng.randrange(vocabulary_size))
        elif kind < 0.5:
            out += [token, token]
        elif kind < 0.7:
            out.append(rng.choice(ids))
    return out


def without_surplus_ends(vocabulary: Any, ids: list[int]) -> list[int]:
    """The ids without TrackEnds that may close nothing: they corrupt the oracle's memory.

    Those of fill blocks are among them, as they move to the place of a placeholder.
    """
    kept: list[int] = []
    is_open = in_blocks = False
    for token in ids:
        kind = vocabulary.get_type(token)
        in_blocks = in_blocks or kind == _core.TokenType.FillInStart
        if kind == _core.TokenType.TrackEnd and (in_blocks or not is_open):
            continue
        if kind in (_core.TokenType.Track, _core.TokenType.TrackEnd):
            is_open = kind == _core.TokenType.Track
        kept.append(token)
    return kept
