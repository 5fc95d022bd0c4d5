"""Masks of the grammar and of the other constraints, along legal and illegal walks."""

from __future__ import annotations

import random
from collections.abc import Iterator

from midigpt import _core
from tests.parity.case import Case, Piece
from tests.parity.walks import choose, digest, random_constraints, vocabulary
from tests.parity.windows import NAMES

WALKS = 4
LENGTH = 60


def cases(piece: Piece) -> Iterator[Case]:
    """Each encoder, the grammar alone and with other constraints; the piece is only a seed."""
    for encoder in NAMES:
        for walk in range(WALKS):
            for kind in ("grammar", "constraints"):
                rng = random.Random(f"{piece.name} {encoder} {walk} {kind}")
                others = random_constraints(encoder, rng) if kind == "constraints" else []
                masks = walk_masks(encoder, others, rng)
                yield Case(f"masks of {kind}, {encoder}", f"walk {walk}", masks, len(masks))


def walk_masks(encoder: str, others: list[_core.Constraint], rng: random.Random) -> list[int]:
    """Checksums of the masks before each token of a walk; some steps are illegal."""
    vocab = vocabulary(encoder)
    graph = _core.ConstraintGraph()
    for constraint in (random_grammar(rng), *others):
        graph.add_constraint(constraint)
    illegal = rng.choice((0.0, 0.02, 0.3))
    masks = []
    for _ in range(LENGTH):
        allowed = [not forbidden for forbidden in graph.get_mask(vocab)]
        masks.append(digest(allowed))
        everything = rng.random() < illegal
        token = choose([True] * len(allowed) if everything else allowed, encoder, rng)
        if token is None:
            break
        graph.step(token, vocab)
    return masks


def random_grammar(rng: random.Random) -> _core.GrammarConstraint:
    """A grammar with random flags."""
    grammar = _core.GrammarConstraint()
    grammar.set_exact_bars(rng.choice((-1, -1, 0, 1, 2, 4)))
    grammar.set_max_tracks(rng.choice((-1, -1, 0, 1, 2)))
    grammar.set_require_notes(rng.random() < 0.7)
    grammar.set_autoregressive_mode(rng.random() < 0.3)
    grammar.set_mask_track_start(rng.random() < 0.1)
    grammar.set_mask_track_end(rng.random() < 0.1)
    return grammar
