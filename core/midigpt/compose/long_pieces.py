"""Pieces longer than a model's context: written window by window.

When a window is full, the later half of its events moves to the front of the next one, counted
from time 0, behind the same text; what is written there is moved back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from statistics import fmean

from midigpt import events
from midigpt.compose.backend import Backend, Batch, Progress, Sampling, seeds_of

_EVENT = events.IDS_PER_EVENT
_LONGEST = events.TIMES / events.TICKS_PER_SECOND


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
        way = _Way(len(seeds), wanted, progress)

        def write(
            before: list[int], numbers: range, seeds: Sequence[int], start: int, written: int
        ) -> tuple[Batch, int]:
            """The next window of some pieces, and the length of one that did not end.

            ``before`` is in it already; it begins at ``start``, behind ``written`` ids of a piece.
            """
            here = replace(sampling, max_tokens=wanted - written)
            whole = [*prompt, *(first_event + token for token in before)]
            full = here.within(self.context - len(whole))

            def tell(seconds: float, share: float) -> None:
                now = start / events.TICKS_PER_SECOND + seconds
                way.reach(dict.fromkeys(numbers, now), written + share * full)

            batch = self._backend.generate(whole, first_event, seeds, here, tell)
            ends = {
                number: (start + piece[::_EVENT][-1]) / events.TICKS_PER_SECOND
                for number, piece in zip(numbers, batch.pieces, strict=True)
                if piece
            }
            way.reach(ends, written + full)
            return batch, full

        batch, full = write([], range(len(seeds)), seeds, 0, 0)
        for number, (piece, seed) in enumerate(zip(batch.pieces, seeds, strict=True)):
            ended = len(piece) < full or full < 2 * _EVENT
            for window in count(1):
                if batch.stopped or ended or len(piece) >= wanted:
                    break
                start, tail = _later_half(piece[-full:])
                here = range(number, number + 1)
                more, room = write(tail, here, seeds_of(seed, window, 1), start, len(piece))
                (new,) = more.pieces
                fitting = _moved(new, start)
                piece += fitting
                ended = len(fitting) < room
                batch = Batch(batch.pieces, more.stopped)
            way.end(number)
        return batch


class _Way:
    """How far the pieces of a batch have come, on the way to their last id or the last time."""

    def __init__(self, pieces: int, wanted: int, progress: Progress) -> None:
        self._seconds, self._shares = [0.0] * pieces, [0.0] * pieces
        self._wanted, self._progress = wanted, progress

    def reach(self, seconds: Mapping[int, float], ids: float) -> None:
        """Some pieces, by number, have come to these times with so many ids."""
        for piece, now in seconds.items():
            self._seconds[piece] = now
            share = max(ids / self._wanted, now / _LONGEST)
            self._shares[piece] = max(self._shares[piece], min(share, 1.0))
        self._progress(fmean(self._seconds), fmean(self._shares))

    def end(self, piece: int) -> None:
        """A piece ends where it is."""
        self.reach({piece: self._seconds[piece]}, self._wanted)


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
