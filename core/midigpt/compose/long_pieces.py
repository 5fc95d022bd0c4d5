"""Pieces longer than a model's context: written window by window.

When a window is full, the later half of its events moves to the front of the next one, counted
from time 0, behind the same text; what is written there is moved back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from midigpt import events
from midigpt.compose.backend import Backend, Batch, Progress, Sampling, seeds_of

_EVENT = 3


class LongPieces:
    """A :class:`midigpt.compose.backend.Backend` over another one, without its limit.

    A piece still ends with the range of time ids, at 100 s.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def context(self) -> int:
        """Positions of a window."""
        return self._backend.context

    def generate(
        self,
        prompt: Sequence[int],
        first_event: int,
        seeds: Sequence[int],
        sampling: Sampling,
        progress: Progress,
    ) -> Batch:
        """Write one piece for each seed; see :meth:`Backend.generate`.

        The first windows are one batch; those that follow are written piece by piece.
        """
        wanted = sampling.max_tokens // _EVENT * _EVENT

        def write(before: list[int], left: int, seeds: Sequence[int]) -> tuple[Batch, int]:
            """Pieces behind the prompt and those ids, and the length of one that did not end."""
            here = replace(sampling, max_tokens=left)
            whole = [*prompt, *(first_event + token for token in before)]
            batch = self._backend.generate(whole, first_event, seeds, here, progress)
            return batch, here.within(self.context - len(whole))

        batch, full = write([], wanted, seeds)
        for piece, seed in zip(batch.pieces, seeds, strict=True):
            ended = len(piece) < full or full < 2 * _EVENT
            for number in count(1):
                if batch.stopped or ended or len(piece) >= wanted:
                    break
                start, tail = _later_half(piece[-full:])
                more, room = write(tail, wanted - len(piece), seeds_of(seed, number, 1))
                (new,) = more.pieces
                fitting = _moved(new, start)
                piece += fitting
                ended = len(fitting) < room
                batch = Batch(batch.pieces, more.stopped)
        return batch


def _later_half(ids: list[int]) -> tuple[int, list[int]]:
    """When the later half of some whole events begins, and its ids counted from there."""
    half = ids[len(ids) // _EVENT // 2 * _EVENT :]
    return half[0], _moved(half, -half[0])


def _moved(ids: list[int], ticks: int) -> list[int]:
    """Ids of events that many ticks later, as far as they are in the range of times."""
    moved = [token + ticks if place % _EVENT == 0 else token for place, token in enumerate(ids)]
    for place in range(0, len(moved), _EVENT):
        if moved[place] >= events.TIMES - 1:
            return moved[:place]
    return moved
