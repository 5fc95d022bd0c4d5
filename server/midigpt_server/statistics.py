"""How well the server keeps time: figures of all sessions since it was started."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from midigpt_server.protocol.osc import Message
from midigpt_server.session.observer import JobTiming, SessionObserver

REMEMBERED = 1_000  # jobs that percentiles and rates are taken over
MAX_SESSIONS = 256


@dataclass
class Figures:
    """Counts and the latest timings, of one session or of all."""

    counts: Counter[str] = field(default_factory=Counter)
    bar_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    first_note_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    staleness: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    speed: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def as_json(self) -> dict[str, Any]:
        """As ``/midigpt/stats`` tells them."""
        counts = self.counts
        due = counts["notes"] + counts["dropped"]
        seconds = sum(s for _, s in self.speed)
        return {
            "bars": counts["bars"],
            "notes": counts["notes"],
            "bar_ms": percentiles(self.bar_seconds),
            "first_note_ms": percentiles(self.first_note_seconds),
            "isr": round(counts["notes"] / due, 5) if due else None,
            "staleness_bars": _mean(self.staleness),
            "fallbacks": counts["fallbacks"],
            "late": counts["late"],
            "skipped": counts["skipped"],
            "failures": counts["failures"],
            "tokens_per_second": round(sum(t for t, _ in self.speed) / seconds, 1)
            if seconds
            else None,
        }


class Statistics(SessionObserver):
    """Listens to all sessions; figures of at most ``MAX_SESSIONS`` of them are kept apart."""

    def __init__(self) -> None:
        self.total = Figures()
        self._by_session: dict[str, Figures] = {}
        self._playheads: dict[str, int] = {}

    def as_json(self) -> dict[str, Any]:
        """The figures of all sessions together, and of each by its id."""
        sessions = {name: figures.as_json() for name, figures in self._by_session.items()}
        return {**self.total.as_json(), "sessions": sessions}

    def on_inbound(self, session_id: str, message: Message, now: float) -> None:
        """A bar end moves the playhead."""
        if message.address == "/midigpt/bar/end":
            ended = int(message.arguments[0])
            self._playheads[session_id] = max(self._playheads.get(session_id, 0), ended + 1)
        elif message.address == "/midigpt/session/init":
            self._playheads[session_id] = 0

    def on_outbound(self, session_id: str, messages: Sequence[Message], now: float) -> None:
        """Count what is sent."""
        for figures in self._figures(session_id):
            for message in messages:
                self._count(figures, session_id, message)

    def on_job(self, session_id: str, timing: JobTiming, now: float) -> None:
        """Note how long it took."""
        for figures in self._figures(session_id):
            if timing.first_note is not None:
                figures.first_note_seconds.append(timing.first_note - timing.wanted)
            if timing.outcome != "done":
                continue
            figures.bar_seconds.append(timing.finished - timing.wanted)
            if timing.started is not None:
                figures.speed.append((timing.tokens, timing.finished - timing.started))

    def on_closed(self, session_id: str, now: float) -> None:
        """Forget its own figures; they stay in the total."""
        self._by_session.pop(session_id, None)
        self._playheads.pop(session_id, None)

    def _figures(self, session_id: str) -> tuple[Figures, Figures]:
        while session_id not in self._by_session and len(self._by_session) >= MAX_SESSIONS:
            del self._by_session[next(iter(self._by_session))]
        return self.total, self._by_session.setdefault(session_id, Figures())

    def _count(self, figures: Figures, session_id: str, message: Message) -> None:
        counts, arguments = figures.counts, message.arguments
        match message.address:
            case "/midigpt/generated/note":
                counts["notes"] += 1
            case "/midigpt/generated/close":
                counts["bars"] += 1
            case "/midigpt/bar/fallback":
                counts["fallbacks"] += 1
            case "/midigpt/bar/late":
                counts["late"] += 1
                counts["dropped"] += int(arguments[3])
            case "/midigpt/generation/skipped":
                counts["skipped"] += int(arguments[2]) - int(arguments[1]) + 1
            case "/midigpt/error":
                counts["failures"] += 1  # to players goes only that a generation failed
            case "/midigpt/prompt/state":
                target = int(json.loads(arguments[0])["target_bar"])
                figures.staleness.append(max(0, target - self._playheads.get(session_id, 0)))


def percentiles(seconds: Sequence[float]) -> dict[str, float] | None:
    """Nearest-rank p50, p95 and p99 in milliseconds; None of nothing."""
    if not seconds:
        return None
    ranked = sorted(seconds)

    def rank(percent: int) -> float:
        return round(1000 * ranked[max(0, -(-percent * len(ranked) // 100) - 1)], 2)

    return {"p50": rank(50), "p95": rank(95), "p99": rank(99)}


def _mean(values: Sequence[int]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
