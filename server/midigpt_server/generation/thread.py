"""The generation thread: many jobs side by side, and nothing that a job does can end it.

Jobs are tasks that hand out compiled loops; one call advances the loops of all jobs together, so
that they share each pass over the weights (continuous batching). A new job joins at the next token.
The first loop of a call reads most of its prompt in each pass, so the most urgent job comes first.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from midigpt import _native
from midigpt.inference.task import BURST, Task
from midigpt_server.generation.job import Backend, GenerationError, Job, PromptState, Result
from midigpt_server.timing.bars import BarNote
from midigpt_server.timing.cost_model import CostModel

#: passes of the model before a streaming job tells its notes: about two of them
STREAM_BURST = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prompted:
    """The model is about to write this job's bars."""

    job: Job
    prompt: PromptState


@dataclass(frozen=True)
class Sampled:
    """New notes of a streaming job."""

    job: Job
    attempt: int
    bar: int
    notes: tuple[BarNote, ...]


@dataclass(frozen=True)
class Succeeded:
    """The last event of a job that brought bars."""

    job: Job
    result: Result


@dataclass(frozen=True)
class Failed:
    """The last event of a job that brought none."""

    job: Job
    reason: str


GenerationEvent: TypeAlias = Prompted | Sampled | Succeeded | Failed


class GenerationThread:
    """Runs jobs, all those that were submitted at once.

    ``post`` is called on the thread with each event; it must be thread-safe. Every job ends with
    exactly one :class:`Succeeded` or :class:`Failed`. What is to be foreseen (prompts that are
    likely to come, or what was written last, one of each voice) is read only while no job runs, the
    earliest deadline first; a newer one of the same voice, or its job, takes its place.
    """

    def __init__(self, backend: Backend, post: Callable[[GenerationEvent], None]) -> None:
        self._backend = backend
        self._post = post
        self.costs = CostModel()
        self._began: dict[Job, float] = {}
        self._inbox: SimpleQueue[tuple[Job, bool] | None] = SimpleQueue()
        self._news = _native.CancelFlag()  # ends a burst when a job comes
        self._running: dict[Job, tuple[Task[Result], Sequence[Any]]] = {}
        self._foreseen: dict[Job, tuple[Task[None], Sequence[Any]]] = {}
        self._thread = Thread(target=self._run, name="midigpt-generation", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Run this job, from the next token on."""
        self._inbox.put((job, False))
        self._news.set()

    def foresee(self, job: Job) -> None:
        """Read the prompt of a job that is likely to come, if there is time."""
        self._inbox.put((job, True))
        self._news.set()

    def close(self, timeout: float = 5.0) -> None:
        """End the thread once its jobs have ended; cancel them to make that soon."""
        self._inbox.put(None)
        self._news.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        open_ = True
        while open_ or self._running:
            self._news.clear()
            try:
                while open_ and (entry := self._next_entry()) is not None:
                    self._take(*entry)
                open_ = open_ and entry is not None
            except Empty:
                pass
            self._advance()

    def _next_entry(self) -> tuple[Job, bool] | None:
        """Waits only when there is nothing to do."""
        return self._inbox.get(block=not (self._running or self._foreseen))

    def _take(self, job: Job, foreseen: bool) -> None:
        self._drop_foreseen(job.voice)
        if foreseen:
            self._foreseen[job] = (self._backend.foresee(job), ())
        else:
            self._began[job] = time.monotonic()
            poster = _Poster(job, self._post)
            self._running[job] = (self._backend.start(job, poster), ())

    def _advance(self) -> None:
        """Resume every task, then advance what they hand out by some passes of the model."""
        for job in list(self._running):
            self._resume(job)
        waiting = [self._running[job] for job in sorted(self._running, key=self._urgency)]
        loops = [loop for _, some in waiting for loop in some]
        if not self._running and self._foreseen:
            loops = self._resume_foreseen(min(self._foreseen, key=_deadline))
        if loops:
            streams = any(job.values["streaming"] for job in self._running)
            _native.run_together(loops, STREAM_BURST if streams else BURST, self._news)

    def _urgency(self, job: Job) -> tuple[bool, float]:
        """The earliest deadline first; those that can hardly be met come after those that can."""
        if job.deadline is None:
            return False, math.inf
        expected = self._began[job] + self.costs.seconds(0.5)
        return max(expected, time.monotonic()) > job.deadline, job.deadline

    def _resume(self, job: Job) -> None:
        task = self._running[job][0]
        try:
            self._running[job] = (task, next(task))
            return
        except StopIteration as end:
            outcome: GenerationEvent = Succeeded(job, end.value)
            self._foreseen[job] = (self._backend.settle(job, end.value), ())
            self.costs.learn(end.value.tokens, time.monotonic() - self._began[job])
        except BaseException as error:  # the thread must outlive whatever a job raises
            outcome = Failed(job, self._reason(job, error))
        del self._running[job], self._began[job]
        self._post(outcome)

    def _drop_foreseen(self, voice: str) -> None:
        for job in [job for job in self._foreseen if job.voice == voice]:
            self._foreseen.pop(job)[0].close()  # what it has read stays in its cache

    def _resume_foreseen(self, job: Job) -> list[Any]:
        task = self._foreseen[job][0]
        try:
            self._foreseen[job] = (task, next(task))
            return list(self._foreseen[job][1])
        except StopIteration:
            pass
        except BaseException as error:  # a guess that fails costs nothing
            log.debug("foreseen target=%d: %s", job.target, error)
        del self._foreseen[job]
        return []

    @staticmethod
    def _reason(job: Job, error: BaseException) -> str:
        if job.cancel.timed_out:
            return f"timeout after {job.values['gen_timeout']:g} s"
        if not isinstance(error, GenerationError):
            log.error("generation target=%d raised", job.target, exc_info=error)
        return str(error) or type(error).__name__


def _deadline(job: Job) -> float:
    return math.inf if job.deadline is None else job.deadline


@dataclass(frozen=True)
class _Poster:
    """A listener that makes events of what it is told."""

    job: Job
    post: Callable[[GenerationEvent], None]

    def prompted(self, prompt: PromptState) -> None:
        self.post(Prompted(self.job, prompt))

    def sampled(self, attempt: int, bar: int, notes: Sequence[BarNote]) -> None:
        self.post(Sampled(self.job, attempt, bar, tuple(notes)))
