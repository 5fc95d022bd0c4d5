"""Threads that run a model on batches side by side.

Every thread has a replica of the model, which shares its weights and has gradients of its own, and
takes the next batch when it is done with one. On a busy machine this is several times faster than
splitting every matrix product between the threads, which then wait for the slowest one thousands of
times in each step.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import queue
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from midigpt.inference.model import TransformerLMBase
from midigpt.training.batches import Batch

T = TypeVar("T")

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # options of mallopt(3)


class Workers:
    """A model and ``n_workers`` threads for it, one core each."""

    def __init__(self, model: TransformerLMBase, n_workers: int) -> None:
        _keep_freed_memory()
        self._model = model
        self._replicas = [_replica(model) for _ in range(n_workers)]
        self._pool = ThreadPoolExecutor(n_workers, initializer=torch.set_num_threads, initargs=(1,))

    def map(
        self, work: Callable[[TransformerLMBase, Batch], T], batches: Sequence[Batch]
    ) -> list[T]:
        """The results of ``work``, in the order of ``batches``, which begin in that order."""
        todo: queue.SimpleQueue[tuple[int, Batch]] = queue.SimpleQueue()
        for item in enumerate(batches):
            todo.put(item)
        results: dict[int, T] = {}

        def run(replica: TransformerLMBase) -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    index, batch = todo.get_nowait()
                    results[index] = work(replica, batch)

        list(self._pool.map(run, self._replicas))
        return [results[index] for index in range(len(batches))]

    def gather_gradients(self) -> None:
        """Move the gradients of all replicas to the model, added up."""
        for replica in self._replicas:
            for shared, own in zip(self._model.parameters(), replica.parameters(), strict=True):
                if own.grad is not None:
                    shared.grad = own.grad if shared.grad is None else shared.grad + own.grad
                    own.grad = None


def _keep_freed_memory() -> None:
    """Have glibc keep the memory of freed tensors for the next, in this process from now on.

    By default it gives large blocks back, and the kernel clears each page of those that follow, for
    5 % of the processor time of a small GPT-2.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)  # the heap of all threads is the one that can grow without end
        for threshold in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(threshold, 1 << 30)


def _replica(model: TransformerLMBase) -> TransformerLMBase:
    """A model with the same weights, in the same memory, and gradients of its own."""
    replica = copy.deepcopy(model)
    for own, shared in zip(replica.parameters(), model.parameters(), strict=True):
        own.data = shared.data
    return replica
