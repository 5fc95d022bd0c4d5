"""The generation thread: one job at a time, and nothing that a job does can end it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from midigpt_server.generation.job import Backend, GenerationError, Job, PromptState, Result
from midigpt_server.timing.bars import BarNote

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


@dataclass(frozen=True)
class _Poster:
    """A listener that makes events of what it is told."""

    job: Job
    post: Callable[[GenerationEvent], None]

    def prompted(self, prompt: PromptState) -> None:
        self.post(Prompted(self.job, prompt))

    def sampled(self, attempt: int, bar: int, notes: Sequence[BarNote]) -> None:
        self.post(Sampled(self.job, attempt, bar, tuple(notes)))


class GenerationThread:
    """Runs jobs on a thread of its own.

    ``post`` is called on that thread with each event; it must be thread-safe. Every job ends with
    exactly one :class:`Succeeded` or :class:`Failed`.
    """

    def __init__(self, backend: Backend, post: Callable[[GenerationEvent], None]) -> None:
        self._backend = backend
        self._post = post
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="midigpt-generation", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Run this job after those submitted before."""
        self._jobs.put(job)

    def close(self, timeout: float = 5.0) -> None:
        """End the thread once its job has ended; cancel the job to make that soon."""
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            started = time.monotonic()
            outcome = self._outcome(job)
            log.info(
                "generation target=%d %s seconds=%.3f",
                job.target,
                f"failed reason={outcome.reason!r}" if isinstance(outcome, Failed) else "done",
                time.monotonic() - started,
            )
            self._post(outcome)

    def _outcome(self, job: Job) -> Succeeded | Failed:
        try:
            result = self._backend.generate(job, _Poster(job, self._post))
        except BaseException as error:  # the thread must outlive whatever a job raises
            if job.cancel.timed_out:
                return Failed(job, f"timeout after {job.values['gen_timeout']:g} s")
            if not isinstance(error, GenerationError):
                log.exception("generation target=%d raised", job.target)
            return Failed(job, str(error) or type(error).__name__)
        return Succeeded(job, result)
