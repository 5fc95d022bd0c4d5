"""Events turned into anticipated controls: the augmentation for infilling and accompaniment.

The mixture of the Anticipatory Music Transformer (arXiv 2306.08620): of ten sequences one stays as
it is, one loses spans of 5 s to the control stream, four random events, four whole instruments.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt import events

#: Weights of: nothing, spans, random events, instruments.
Mixture: TypeAlias = tuple[float, float, float, float]
MIXTURE: Mixture = (1, 1, 4, 4)

SPAN_TICKS = 5 * events.TICKS_PER_SECOND
#: Spans begin at this rate a second after the end of the one before.
SPAN_RATE = 0.05

Mask: TypeAlias = NDArray[np.bool_]


def anticipate(
    piece: events.Events, rng: np.random.Generator, mixture: Mixture = MIXTURE
) -> tuple[NDArray[np.int32], bool]:
    """Ids of a window, some events moved to the control stream.

    Returns:
        Ids without mode token, and whether they may hold controls (mode ANTICIPATE).
    """
    weights = np.array(mixture, dtype=float)
    choose = (None, _spans, _at_random, _instruments)[rng.choice(4, p=weights / weights.sum())]
    if choose is None:
        return events.to_ids(events.pad(piece)), False
    is_control = choose(piece, rng)
    ids, _ = events.weave(events.pad(piece[~is_control]), piece[is_control])
    return ids, True


def _spans(piece: events.Events, rng: np.random.Generator) -> Mask:
    """Everything in spans of five seconds, with exponential gaps between them."""
    mask = np.zeros(len(piece), dtype=bool)
    end = int(piece[:, 0].max(initial=0))
    start = rng.exponential(1 / SPAN_RATE) * events.TICKS_PER_SECOND
    while start <= end:
        mask |= (piece[:, 0] >= start) & (piece[:, 0] < start + SPAN_TICKS)
        start += SPAN_TICKS + rng.exponential(1 / SPAN_RATE) * events.TICKS_PER_SECOND
    return mask


def _at_random(piece: events.Events, rng: np.random.Generator) -> Mask:
    """Each event, with a probability of one to nine tenths that is drawn once."""
    return rng.random(len(piece)) < rng.integers(1, 10) / 10


def _instruments(piece: events.Events, rng: np.random.Generator) -> Mask:
    """A non-empty proper subset of the instruments; of a single one, nothing."""
    instruments = np.unique(piece[:, 2] // 128)
    if len(instruments) < 2:
        return np.zeros(len(piece), dtype=bool)
    count = rng.integers(1, len(instruments))
    chosen = rng.choice(instruments, count, replace=False)
    return np.isin(piece[:, 2] // 128, chosen)
