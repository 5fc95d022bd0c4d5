"""A small OSC client of the server, for scripts, demos, benchmarks and tests."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message


class Client:
    """Sends to a server and receives its replies on one UDP socket.

    >>> with Client(port=7400) as client:                       # doctest: +SKIP
    ...     client.send("/midigpt/session/init", "demo")
    ...     client.wait_for("/midigpt/session/ready")
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7400, timeout: float = 5.0) -> None:
        self.address = (host, port)
        self.timeout = timeout
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("", 0))

    @property
    def port(self) -> int:
        """The local port, where replies arrive."""
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *arguments: Any, tags: str = "") -> None:
        """Send one message; ``tags`` as in :func:`midigpt_server.protocol.osc.encode`."""
        self.send_datagram(osc.encode(address, arguments, tags))

    def send_datagram(self, datagram: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendto(datagram, self.address)

    def receive(self, timeout: float | None = None) -> Message:
        """The next reply.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds (default: the client's).
        """
        self._socket.settimeout(self.timeout if timeout is None else max(timeout, 1e-3))
        datagram, _ = self._socket.recvfrom(65535)
        (message,) = osc.decode(datagram)
        return message

    def receive_until(
        self, done: Callable[[Message], bool], timeout: float | None = None
    ) -> list[Message]:
        """All replies up to and including the first for which ``done`` is true.

        Raises:
            TimeoutError: it did not come; the message tells what came instead.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        replies: list[Message] = []
        while not replies or not done(replies[-1]):
            try:
                replies.append(self.receive(deadline - time.monotonic()))
            except TimeoutError:
                raise TimeoutError(f"not received; what came: {replies}") from None
        return replies

    def wait_for(self, address: str, *start: Any, timeout: float | None = None) -> Message:
        """The next reply with this address and these first arguments; others are dropped."""

        def matches(reply: Message) -> bool:
            return reply.address == address and reply.arguments[: len(start)] == start

        return self.receive_until(matches, timeout)[-1]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
