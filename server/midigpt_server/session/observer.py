"""Who listens to sessions from inside: the journal, the statistics, the peers that watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midigpt_server.protocol.osc import Message


@dataclass(frozen=True)
class JobTiming:
    """What became of one bar job. Times are seconds on the server's clock, None if never."""

    track_id: int
    target: int
    outcome: str  # "done", "failed", "cancelled", "too late"
    wanted: float
    started: float | None
    first_note: float | None
    finished: float
    deadline: float | None  # when the bar's first onset is due
    notes: int = 0
    tokens: int = 0


class SessionObserver:
    """Override what is of interest. Called on the server thread: do not block, do not raise."""

    def on_inbound(self, session_id: str, message: Message, now: float) -> None:
        """A message was accepted by a session, and its effect has taken place."""

    def on_outbound(self, session_id: str, messages: Sequence[Message], now: float) -> None:
        """Messages are sent to the players: notes, prompt states, all but answers to questions."""

    def on_job(self, session_id: str, timing: JobTiming, now: float) -> None:
        """A generation has ended, in whatever way."""

    def on_closed(self, session_id: str, now: float) -> None:
        """A session was forgotten (idle, or its place was needed)."""
