"""Work on untrusted items in processes of their own, so that a crash costs one item.

Parsers of binary formats can die (a segmentation fault, an endless loop) where Python cannot catch
it. Items go to worker processes in chunks; when a worker dies or hangs, its chunk is halved until
the item that did it stands alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 64
_SECONDS = 30.0  # for one item; a chunk may take as much for each of its items
_UNGUARDED = (
    "a worker process ended before its first item; a script that reads music in several processes "
    'needs `if __name__ == "__main__":` around what it does'
)


class Crash:
    """Stands for the result of an item whose worker died or hung."""


class _Worker(Generic[Item, Result]):
    """A process that can be started again."""

    def __init__(self, work: Callable[[Item], Result], seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._pool: ProcessPoolExecutor | None = None
        self._began: Future[None] = Future()

    def submit(self, items: Sequence[Item]) -> Future[list[Result]]:
        if self._pool is None:
            # A fresh interpreter: forking a process with threads can lock up.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context)
            self._began = self._pool.submit(_begin)
        return self._pool.submit(_run, self._work, items)

    def results(self, items: Sequence[Item], running: Future[list[Result]]) -> list[Result | Crash]:
        """The result of each item; halves the items if they bring the process down."""
        try:
            return list(running.result(self._seconds * len(items)))
        except (BrokenProcessPool, TimeoutError):
            if self._began.done() and self._began.exception() is not None:
                raise RuntimeError(_UNGUARDED) from None
            self.close(kill=True)
        if len(items) == 1:
            return [Crash()]
        half = len(items) // 2
        found: list[Result | Crash] = []
        for part in (items[:half], items[half:]):
            found += self.results(part, self.submit(part))
        return found

    def close(self, kill: bool = False) -> None:
        if self._pool is not None:
            if kill:
                for process in list((self._pool._processes or {}).values()):
                    process.kill()
            self._pool.shutdown(wait=not kill, cancel_futures=True)
            self._pool = None


def map_isolated(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    seconds: float = _SECONDS,
) -> Iterator[Result | Crash]:
    """The result of ``work`` for each item in order; :class:`Crash` where it killed a process.

    Args:
        work: a function of a module; what it returns must be picklable. It raises nothing.
        items: as many as memory holds a few hundred of.
        workers: number of processes, 1 or more.
        seconds: how long one item may take.

    Raises:
        RuntimeError: a process cannot even begin, as in a script that starts itself again.
    """
    pool: list[_Worker[Item, Result]] = [_Worker(work, seconds) for _ in range(workers)]
    source = iter(items)
    waiting: list[tuple[_Worker[Item, Result], list[Item], Future[list[Result]]]] = []
    try:
        for worker in pool:
            if chunk := list(islice(source, _CHUNK)):
                waiting.append((worker, chunk, worker.submit(chunk)))
        while waiting:
            worker, chunk, running = waiting.pop(0)
            found = worker.results(chunk, running)
            if chunk := list(islice(source, _CHUNK)):
                waiting.append((worker, chunk, worker.submit(chunk)))
            yield from found
    finally:
        for worker in pool:
            worker.close()


def _begin() -> None:
    """The first thing that a worker does."""


def _run(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [work(item) for item in items]
