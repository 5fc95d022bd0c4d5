"""Which session a peer talks to, and who hears it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.osc import KEPT_MESSAGES, Message
from midigpt_server.protocol.states import RUNNING
from midigpt_server.session.session import Session
from midigpt_server.transports.transport import Peer

MAX_SESSIONS = 64
IDLE_SECONDS = 3600.0


@dataclass(frozen=True)
class Capacity:
    """How many sessions there may be at a time, and seconds without a message until one ends."""

    sessions: int = MAX_SESSIONS
    idle_seconds: float = IDLE_SECONDS


USUAL_CAPACITY = Capacity()


@dataclass(eq=False)
class Connection:
    """A session, the peers that play in it and those that watch it.

    ``owner`` is the latest sender among those that share the session without having attached.
    ``revision`` counts the messages in and out; watchers see it rise by one with each.
    """

    session: Session
    owner: Peer
    last_used: float
    attached: dict[Hashable, Peer] = field(default_factory=dict)
    watchers: dict[Hashable, Peer] = field(default_factory=dict)
    revision: int = 0
    count: int = 0  # of numbered messages
    sent: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES))
    served: int = 0  # the turn at which a generation was last started for it

    @property
    def players(self) -> list[Peer]:
        """Who hears what the session says."""
        port = self.session.reply_port
        return [self.owner.on_port(port) if port else self.owner, *self.attached.values()]


class Registry:
    """Sessions by id, and by the peer that began them with ``session/init`` or attached.

    A peer that has begun none shares the session last used from its host, so that a client may
    use several sockets (D12). Sessions idle for too long are forgotten; beyond the
    ``capacity`` the one unused for longest is, if it does not run, else the new one is refused.
    """

    def __init__(self, make: Callable[[str], Session], capacity: Capacity) -> None:
        self._make = make
        self._capacity = capacity
        self._by_id: dict[str, Connection] = {}  # the latest used last
        self._by_peer: dict[Hashable, Connection] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._by_id.values()))

    def with_id(self, session_id: str) -> Connection:
        """The connection of a session; raises ProtocolError 9."""
        try:
            return self._by_id[session_id]
        except KeyError:
            raise ProtocolError(
                Code.UNKNOWN_SESSION, f"unknown session {session_id!r}; ask /midigpt/sessions/query"
            ) from None

    def has(self, session_id: str) -> bool:
        """Whether a session of this id is here."""
        return session_id in self._by_id

    def adopt(self, session: Session, peer: Peer, now: float) -> Connection:
        """A session made elsewhere gets a place, and this peer as its owner; raises ProtocolError
        10."""
        self._make_room()
        connection = Connection(session, peer, now)
        self._by_peer[peer.key] = connection
        return self._used(connection, peer, now)

    def begun_by(self, peer: Peer, session_id: str, now: float) -> Connection:
        """The connection of a ``session/init``; ``session_id`` may be empty: the peer's own.

        Raises ProtocolError 10 when no place is left.
        """
        connection = self._by_id.get(session_id) if session_id else self._by_peer.get(peer.key)
        if connection is None:
            self._make_room()
            name = session_id or secrets.token_hex(4)
            connection = Connection(self._make(name), peer, now)
        self._by_peer[peer.key] = connection
        return self._used(connection, peer, now)

    def used_by(self, peer: Peer, now: float) -> Connection:
        """The connection of any other message; raises ProtocolError 10."""
        connection = self.find(peer)
        return self._used(connection, peer, now) if connection else self.begun_by(peer, "", now)

    def find(self, peer: Peer) -> Connection | None:
        """The connection that a message of this peer would go to."""
        return self._by_peer.get(peer.key) or self._last_of_host(peer.host)

    def attach(self, peer: Peer, connection: Connection) -> None:
        """From now on the peer plays in this session."""
        self._by_peer[peer.key] = connection
        if peer.key != connection.owner.key:  # who hears it already shall not hear it twice
            connection.attached[peer.key] = peer

    def forget(self, connection: Connection) -> None:
        """Remove a session."""
        self._by_id.pop(connection.session.id, None)
        self._by_peer = {k: c for k, c in self._by_peer.items() if c is not connection}

    def idle(self, now: float) -> list[Connection]:
        """The sessions that nobody has used for too long."""
        return [c for c in self if now - c.last_used >= self._capacity.idle_seconds]

    @property
    def next_expiry(self) -> float | None:
        """When the first session will have been idle for too long, if there is one."""
        oldest = next(iter(self._by_id.values()), None)
        return None if oldest is None else oldest.last_used + self._capacity.idle_seconds

    def _used(self, connection: Connection, peer: Peer, now: float) -> Connection:
        if peer.key not in connection.attached:
            connection.owner = peer
        connection.last_used = now
        self._by_id.pop(connection.session.id, None)
        self._by_id[connection.session.id] = connection
        return connection

    def _last_of_host(self, host: str) -> Connection | None:
        return next((c for c in reversed(self._by_id.values()) if c.owner.host == host), None)

    def _make_room(self) -> None:
        most = self._capacity.sessions
        if len(self._by_id) < most:
            return
        for connection in self:
            if connection.session.state not in RUNNING:
                self.forget(connection)
                return
        raise ProtocolError(Code.SERVER_FULL, f"{most} sessions run; no more are possible")
