"""A whole server in virtual time: the conductor, an offline clock and a generator of known cost.

Nothing waits: time goes from event to event, so what happens when is exact and the same each time.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from typing import Any

from stand_in import StandIn

from midigpt_server.conductor import Conductor
from midigpt_server.generation.job import Job, Result
from midigpt_server.generation.thread import Failed, Prompted, Sampled, Succeeded
from midigpt_server.protocol.osc import Message
from midigpt_server.timing.clock import OfflineClock


class OfflineServer:
    """``cost(job)`` gives the seconds of each job; its notes come evenly spaced over them."""

    def __init__(self, cost: Callable[[Job], float] = lambda job: 0.1, slots: int = 1) -> None:
        self.clock = OfflineClock()
        self.backend = StandIn("ghost", notes_per_bar=4)
        self.cost = cost
        self.jobs: list[Job] = []
        self.foreseen: list[tuple[float, Job]] = []
        self._events: list[tuple[float, int, Any]] = []
        self._count = 0
        self.conductor = Conductor(
            self.backend.info, self._submit, self.clock, slots=slots, foresee=self._foresee
        )

    def _foresee(self, job: Job) -> None:
        self.foreseen.append((self.clock.now(), job))

    def _submit(self, job: Job) -> None:
        self.jobs.append(job)
        now, cost = self.clock.now(), self.cost(job)
        self._at(now, Prompted(job, self.backend.prompt(job)))
        bars = {b: self.backend.notes(b) for b in range(job.write_from, job.deliver_end)}
        if job.values["streaming"]:
            notes = [(b, n) for b in range(job.target, job.deliver_end) for n in bars[b]]
            for index, (bar, note) in enumerate(notes, 1):
                self._at(now + cost * index / (len(notes) + 1), Sampled(job, 1, bar, (note,)))
        self._at(now + cost, Succeeded(job, Result(bars)))

    def _at(self, time: float, event: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, event))

    def run_until(self, moment: float) -> None:
        while True:
            self._end_cancelled()
            times = [self._events[0][0]] if self._events else []
            tick = self.conductor.next_tick
            times += [] if tick is None else [tick]
            if not times or min(times) > moment:
                break
            self.clock.move_to(min(times))
            if self._events and self._events[0][0] <= self.clock.now():
                self.conductor.on_event(heapq.heappop(self._events)[2])
            else:
                self.conductor.tick()
        self.clock.move_to(moment)
        assert self.conductor.counters["internal_errors"] == 0

    def _end_cancelled(self) -> None:
        """As the generation thread does: one last event, within a token."""
        for job in {e[2].job for e in self._events if e[2].job.cancel.is_set()}:
            self._events = [e for e in self._events if e[2].job is not job]
            heapq.heapify(self._events)
            self._at(self.clock.now(), Failed(job, "cancelled"))


class OfflinePlayer:
    """A client in virtual time: keeps what it hears with the moment it heard it."""

    def __init__(self, server: OfflineServer, name: str = "player") -> None:
        self.server, self.key, self.host = server, name, name
        self.heard: list[tuple[float, Message]] = []

    def send(self, messages: list[Message]) -> None:
        self.heard += [(self.server.clock.now(), message) for message in messages]

    def on_port(self, port: int) -> OfflinePlayer:
        return self

    def say(self, name: str, *arguments: Any) -> None:
        self.server.conductor.receive([Message(f"/midigpt/{name}", arguments)], self)

    def begin(self, agents: int = 1, fallback: str = "repeat", **parameters: Any) -> None:
        """Track 0 is human, tracks 1.. are agents."""
        self.say("session/init", self.key)
        self.say("track/create", 0, 0, 10, 0)
        for agent in range(1, agents + 1):
            self.say("agent/create", agent, 30 + agent, 10, fallback)
        for parameter, value in {"buffer_bars": 2, **parameters}.items():
            self.say("param/set", parameter, value)
        self.say("session/start")
        assert self.times("session/started") and not self.named("error")

    def play(
        self, bars: int, bar_seconds: float = 2.0, first: int = 0, meter: Any = (4, 4)
    ) -> None:
        """Play ``bars`` bars in time, from now on, one note a beat."""
        start = self.server.clock.now()
        for bar in range(first, first + bars):
            begin = start + (bar - first) * bar_seconds
            for beat in range(meter[0]):
                self.server.run_until(begin + beat * bar_seconds / meter[0])
                self.say("note", 0, 60 + beat, 80, beat / meter[0], 0.2, bar)
            self.server.run_until(begin + bar_seconds)
            self.say("bar/end", bar, *meter)

    def times(self, name: str, *start: Any) -> list[float]:
        return [time for time, m in self._matching(name, start)]

    def named(self, name: str, *start: Any) -> list[tuple[Any, ...]]:
        return [m.arguments for _, m in self._matching(name, start)]

    def state(self) -> dict[str, Any]:
        self.say("session/query")
        return dict(json.loads(self.named("session/state")[-1][0]))

    def forget(self) -> None:
        self.heard.clear()

    def _matching(self, name: str, start: tuple[Any, ...]) -> list[tuple[float, Message]]:
        return [
            (time, m)
            for time, m in self.heard
            if m.address == f"/midigpt/{name}" and m.arguments[: len(start)] == start
        ]
