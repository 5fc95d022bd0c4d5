"""Which session a sender talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from midigpt_server.session import Session

Address: TypeAlias = tuple[str, int]  # IP and port

MAX_SESSIONS = 64


@dataclass
class Connection:
    """A session and where its replies go: the latest sender, or a fixed port of its host."""

    session: Session
    sender: Address
    fixed_reply_port: int | None = None
    served: int = 0  # the turn at which a generation was last started for it

    @property
    def reply_address(self) -> Address:
        """Where to send."""
        host, port = self.sender
        return host, self.session.reply_port or self.fixed_reply_port or port


class Registry:
    """Sessions keyed by the address of the sender that began them with ``session/init``.

    An address that has begun none shares the session last used from its host, so that a client
    may use several sockets. Beyond ``MAX_SESSIONS`` the one unused for longest is forgotten.
    """

    def __init__(self, make: Callable[[], Session], fixed_reply_port: int | None = None) -> None:
        self._make = make
        self._fixed_reply_port = fixed_reply_port
        self._connections: dict[Address, Connection] = {}  # the latest used last

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._connections.values()))

    def connection_of(self, session: Session) -> Connection | None:
        """The connection of a session, if it is still there."""
        return next((c for c in self if c.session is session), None)

    def connection_for(self, sender: Address, begins: bool) -> tuple[Connection, list[Session]]:
        """The connection that a message from ``sender`` belongs to, and the sessions forgotten.

        ``begins`` says that the message is a ``session/init``.
        """
        key = sender if begins or sender in self._connections else self._last_of_host(sender)
        connection = self._connections.pop(key, None)
        if connection is None:
            connection = Connection(self._make(), sender, self._fixed_reply_port)
        connection.sender = sender
        self._connections[key] = connection
        forgotten = []
        while len(self._connections) > MAX_SESSIONS:
            forgotten.append(self._connections.pop(next(iter(self._connections))).session)
        return connection, forgotten

    def _last_of_host(self, sender: Address) -> Address:
        same_host = [key for key in self._connections if key[0] == sender[0]]
        return same_host[-1] if same_host else sender
