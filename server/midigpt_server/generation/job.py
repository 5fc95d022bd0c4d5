"""What one generation is asked for, frozen at its start, and what it brings back.

A job holds copies only: whatever happens to the session while the generation runs cannot change
what is generated, nor whose notes they are (D29).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from time import monotonic
from typing import Any, Protocol

from midigpt.inference.cancel import CancelEvent
from midigpt.inference.task import Task
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.timing.bars import BarNote, Meter


@dataclass(frozen=True)
class JobTrack:
    """One track of a job; ``bars`` has the notes of each bar of the job's window.

    ``is_agent`` says that an agent plays it, this job's or another; ``hidden`` are the bars, by
    absolute index, that are not known yet (and those that the model shall not see).
    """

    id: int
    instrument: int
    is_drum: bool
    is_agent: bool
    ignored: bool
    bars: tuple[tuple[BarNote, ...], ...]
    hidden: tuple[int, ...] = ()


class Cancellation(CancelEvent):
    """Tells a running generation to end: set by hand, or because its time is over."""

    def __init__(self, timeout: float = 0.0) -> None:
        super().__init__()
        self._deadline = monotonic() + timeout if timeout > 0 else None

    @property
    def timed_out(self) -> bool:
        """Whether the time is over."""
        return self._deadline is not None and monotonic() >= self._deadline

    def is_set(self) -> bool:
        """Whether to end; cheap enough to ask at every token."""
        return super().is_set() or self.timed_out


@dataclass(frozen=True, eq=False)
class Job:
    """One generation. Bar indices are absolute.

    ``first_bar`` and ``end_bar`` bound the bars in ``tracks`` and ``meters``; the bars of the track
    ``agent_id`` from ``write_from`` on are written, those from ``target`` to ``deliver_end`` are
    delivered. ``take`` tells writings of the same bar apart; ``voice`` is
    the same for all jobs of one agent of one session. ``deadline`` is when the bar is due,
    in seconds of the server's clock, if that is known, and ``tempo`` the session's, in quarter
    notes a minute.
    """

    agent_id: int
    target: int
    deliver_end: int
    first_bar: int
    end_bar: int
    write_from: int
    tracks: tuple[JobTrack, ...]
    meters: tuple[Meter, ...]
    attributes: dict[str, int]
    values: dict[str, Any]
    track_values: dict[str, Any]
    take: int = 0
    voice: str = ""
    deadline: float | None = field(default=None, compare=False)
    tempo: float | None = field(default=None, compare=False)
    cancel: Cancellation = field(default_factory=Cancellation, compare=False)

    def asks_the_same(self, other: Job) -> bool:
        """Whether the other one asks for the same bars with the same prompt."""
        return all(
            getattr(self, f.name) == getattr(other, f.name) for f in fields(self) if f.compare
        )

    @property
    def model(self) -> str:
        """Which kind of model writes it."""
        return str(self.track_values.get("model", "gpt2"))

    @property
    def agent(self) -> JobTrack:
        """The track to write."""
        return next(track for track in self.tracks if track.id == self.agent_id)

    def meter(self, bar: int) -> Meter:
        """The time signature of an absolute bar of the window."""
        return self.meters[bar - self.first_bar]


@dataclass(frozen=True)
class PromptState:
    """What the model sees: the window in absolute bars, one letter per bar of each shown track."""

    start_bar: int
    end_bar: int
    states: dict[int, tuple[str, ...]]  # by track id
    dropped: tuple[int, ...] = ()  # ids of tracks left out because the prompt was too long


@dataclass(frozen=True)
class Result:
    """The agent's new bars by absolute index, and its attribute levels."""

    bars: dict[int, tuple[BarNote, ...]]
    attributes: dict[str, int] = field(default_factory=dict)
    tokens: int = 0


class GenerationError(Exception):
    """A generation failed; the text is the reason for the client."""


class Listener(Protocol):
    """Who is told how a job goes on; called on the generation thread."""

    def prompted(self, prompt: PromptState) -> None:
        """Once, before the first token."""

    def sampled(self, attempt: int, bar: int, notes: Sequence[BarNote]) -> None:
        """New notes of a bar, if the job's values have ``streaming``. A higher ``attempt`` voids
        those of the attempts before."""


class Backend(Protocol):
    """What turns jobs into bars: the inference engine, or a stand-in in tests."""

    @property
    def info(self) -> ModelInfo:
        """The checkpoint as sessions see it."""

    @property
    def slots(self) -> int:
        """How many jobs it can usefully run side by side."""

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        """A task that writes the job's bars, telling the listener; nothing runs before its first
        resumption.

        Raises:
            GenerationError: refused, or no acceptable result.
            Exception: anything else fails this job only.
        """

    def foresee(self, job: Job) -> Task[None]:
        """A task that reads the prompt of a job that may come, so that less is left to do then."""

    def settle(self, job: Job, result: Result) -> Task[None]:
        """A task that reads what a job has written, for the one that follows."""
