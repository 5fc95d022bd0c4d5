"""What clients ask the server itself: is it there, who plays, how well, may I watch or go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from midigpt import __version__
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import error, reply
from midigpt_server.session.registry import Connection, Registry
from midigpt_server.session.session import Session
from midigpt_server.statistics import Statistics
from midigpt_server.timing.clock import Clock
from midigpt_server.transports.transport import Peer

#: Brings a session back: ``restore(id, make, done)`` returns at once; ``done`` is called later, on
#: the conductor's thread, with the session or with the reason why there is none.
Restore: TypeAlias = Callable[
    [str, Callable[[str], Session], Callable[[Session | str], None]], None
]


class Desk:
    """Requests of the table that are not a matter of one session; each gets the asking peer.

    ``make`` makes a session of an id, ``generating`` tells how many bars are being written, and
    ``go_on`` is called when a session has come back.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        counters: Counter[str],
        statistics: Statistics,
        make: Callable[[str], Session],
        generating: Callable[[], int],
        go_on: Callable[[], None],
    ) -> None:
        self.restore: Restore | None = None
        self._registry = registry
        self._clock = clock
        self._began = clock.now()
        self._counters = counters
        self._statistics = statistics
        self._make_session = make
        self._generating = generating
        self._go_on = go_on

    def ping(self, peer: Peer, text: str) -> None:
        """The server is there."""
        peer.send([reply("pong", text, __version__)])

    def accept_token(self, peer: Peer, token: str) -> None:
        """Access has checked it."""

    def list_sessions(self, peer: Peer) -> None:
        """All sessions."""
        now = self._clock.now()
        listed = [
            {
                "id": connection.session.id,
                "name": connection.session.name,
                "state": connection.session.state.value,
                "playhead": connection.session.piece.playhead,
                "idle_seconds": round(now - connection.last_used, 1),
                "players": len(connection.players),
                "watchers": len(connection.watchers),
            }
            for connection in self._registry
        ]
        peer.send([reply("sessions", {"sessions": listed})])

    def tell_statistics(self, peer: Peer) -> None:
        """How well time is kept."""
        waiting = sum(len(connection.session.answers.owed.wanted) for connection in self._registry)
        figures = {
            "version": __version__,
            "uptime_seconds": round(self._clock.now() - self._began, 1),
            "queue": waiting,
            "generating": self._generating(),
            "counters": dict(self._counters),
            **self._statistics.as_json(),
        }
        peer.send([reply("stats", figures)])

    def watch(self, peer: Peer, session_id: str) -> None:
        """Hear a session."""
        connection = self._registry.with_id(session_id)
        connection.watchers[peer.key] = peer
        peer.send([self._snapshot(connection)])

    def unwatch(self, peer: Peer, session_id: str) -> None:
        """Hear no more of it."""
        self._registry.with_id(session_id).watchers.pop(peer.key, None)

    def attach(self, peer: Peer, session_id: str) -> None:
        """Play in a session that another client began."""
        connection = self._registry.with_id(session_id)
        self._registry.attach(peer, connection)
        peer.send([self._snapshot(connection)])

    def resume(self, peer: Peer, session_id: str) -> None:
        """Go on with a session after a crash."""
        if self._registry.has(session_id):
            self._resumed(peer, session_id)
        elif self.restore is None:
            raise ProtocolError(
                Code.UNKNOWN_SESSION, f"unknown session {session_id!r}; there is no journal"
            )
        else:
            self.restore(session_id, self._make_session, partial(self._on_restored, peer))

    def _on_restored(self, peer: Peer, outcome: Session | str) -> None:
        if isinstance(outcome, str):
            peer.send([error(Code.UNKNOWN_SESSION, outcome)])
            return
        if not self._registry.has(outcome.id):  # nobody was faster
            try:
                self._registry.adopt(outcome, peer, self._clock.now())
            except ProtocolError as refusal:
                peer.send([error(refusal.code, refusal.text)])
                return
            outcome.go_on()
        self._resumed(peer, outcome.id)
        self._go_on()

    def _resumed(self, peer: Peer, session_id: str) -> None:
        connection = self._registry.with_id(session_id)
        self._registry.attach(peer, connection)
        session = connection.session
        playhead = session.stage.timeline.song_bar(session.piece.playhead)
        resumed = reply("session/resumed", session.id, playhead, session.state.value)
        peer.send([self._snapshot(connection), resumed])

    def _snapshot(self, connection: Connection) -> Message:
        state = {"id": connection.session.id, "revision": connection.revision}
        return reply("session/snapshot", {**state, **connection.session.snapshot()})

    def resend(self, peer: Peer, first: int, last: int) -> None:
        """Say again what was numbered and lost."""
        connection = self._registry.find(peer)
        if connection is not None:
            peer.send([m for m in connection.sent if first <= (m.number or 0) <= last])
