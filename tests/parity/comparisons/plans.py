"""Plans of random selections."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from midigpt.inference.planner import plan
from tests.parity.case import Case, Piece

PLANS = 100


def cases(piece: Piece) -> Iterator[Case]:
    """A hundred plans; the piece is only a seed."""
    for number in range(PLANS):
        steps = random_plan(random.Random(f"{piece.name} {number}"))
        yield Case("plans", f"plan {number}", steps, len(steps))


def random_plan(rng: random.Random) -> list[Any]:
    """The steps of a random selection under random settings."""
    tracks, bars = rng.randint(1, 6), rng.randint(1, 40)
    window = rng.randint(1, min(bars, 16))
    density = rng.choice((0.05, 0.3, 0.7, 0.95, 1.0))
    steps = plan(
        [[rng.random() < density for _ in range(bars)] for _ in range(tracks)],
        [rng.random() < 0.5 for _ in range(tracks)],
        [rng.random() < 0.1 for _ in range(tracks)],
        window,
        rng.randint(0, window),
        rng.randint(0, tracks),
        rng.choice((0.0, 0.2, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, rng.random())),
        rng.randint(0, 6),
    )
    return [[s.start_bar, s.end_bar, s.autoregressive, sorted(s.bars)] for s in steps]
