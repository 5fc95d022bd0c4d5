"""Small OSC clients of the server, for scripts, demos, benchmarks and tests."""

from __future__ import annotations

import math
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from pythonosc import slip

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message

_LAST = 2**31 - 1


class NumberedStream:
    """Puts numbered messages (parameter ``sequence``) in order, and knows which are missing.

    Others pass as they come. A hole is given up when so many messages wait that the server does not
    keep what is missing any more.
    """

    ASK_AGAIN_SECONDS = 0.1

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, Message] = {}
        self._asked = -math.inf  # when
        self._asked_from = 0  # the first of the hole that was asked for

    def in_order(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages that may be used now."""
        number: int | None = None
        for message in messages:
            if message.address == osc.SEQUENCE:
                number = message.arguments[0]
            elif number is None:
                yield message
            else:
                yield from self._numbered(number, message._replace(number=number))
                number = None

    @property
    def patience(self) -> float:
        """Seconds of silence after which to ask whether something was lost."""
        return math.inf if self._next is None else self.ASK_AGAIN_SECONDS

    def missing(self, now: float) -> tuple[int, int] | None:
        """The first and last number to ask for now: a hole, or, after silence, what may follow.

        A hole is asked for at once, and again when it is not filled: there may be more holes a
        second than there are times to ask again.
        """
        if self._next is None:
            return None
        is_new = bool(self._held) and self._next != self._asked_from
        if not is_new and now - self._asked < self.ASK_AGAIN_SECONDS:
            return None
        self._asked, self._asked_from = now, self._next
        return self._next, min(self._held, default=_LAST) - 1

    def _numbered(self, number: int, message: Message) -> Iterator[Message]:
        if self._next is None or number == 1:
            self._next = number
            self._held.clear()
        if number >= self._next:
            self._held[number] = message
        if len(self._held) > osc.KEPT_MESSAGES:
            self._next = min(self._held)
        while self._next in self._held:
            yield self._held.pop(self._next)
            self._next += 1


class Client:
    """Sends to a server and receives its replies on one UDP socket.

    Bundles are taken apart; a message keeps their date (``time``). Numbered messages come in order,
    and those lost are asked for again.

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
        self._waiting: deque[Message] = deque()
        self._stream = NumberedStream()

    @property
    def port(self) -> int:
        """The local port, where replies arrive."""
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *arguments: Any, tags: str = "") -> None:
        """Send one message; ``tags`` as in :func:`midigpt_server.protocol.osc.encode`."""
        self.send_datagram(osc.encode(address, arguments, tags))

    def send_at(self, unix: float, address: str, *arguments: Any, tags: str = "") -> None:
        """Send one message dated ``unix``, in seconds since 1970: the moment that is meant."""
        (bundle,) = osc.encode_all([Message(address, arguments, tags, unix)])
        self.send_datagram(bundle)

    def send_datagram(self, datagram: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendto(datagram, self.address)

    def receive(self, timeout: float | None = None) -> Message:
        """The next reply.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds (default: the client's).
        """
        if not self._waiting:
            deadline = time.monotonic() + (self.timeout if timeout is None else max(timeout, 1e-3))
            while not self._waiting:
                left = deadline - time.monotonic()
                self._socket.settimeout(max(min(left, self._stream.patience), 1e-3))
                try:
                    self._waiting += self._stream.in_order(osc.decode(self._receive_packet()))
                except TimeoutError:
                    if left <= self._stream.patience:
                        raise
                if missing := self._stream.missing(time.monotonic()):
                    self.send("/midigpt/resend", *missing)
        return self._waiting.popleft()

    def _receive_packet(self) -> bytes:
        return self._socket.recvfrom(65535)[0]

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


class TcpClient(Client):
    """The same over one TCP connection, packets framed by SLIP.

    Raises:
        ConnectionRefusedError: nobody listens there.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7400, timeout: float = 5.0) -> None:
        self.address = (host, port)
        self.timeout = timeout
        self._socket = socket.create_connection(self.address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting = deque()
        self._stream = NumberedStream()
        self._packets: list[bytes] = []
        self._unfinished = b""

    def send_datagram(self, datagram: bytes) -> None:
        """Send bytes as one packet."""
        self._socket.sendall(slip.encode(datagram))

    def _receive_packet(self) -> bytes:
        while not self._packets:
            data = self._socket.recv(65535)
            if not data:
                raise ConnectionResetError("the server has closed the connection")
            *packets, self._unfinished = (self._unfinished + data).split(slip.END)
            self._packets += [slip.decode(packet) for packet in packets if packet]
        return self._packets.pop(0)
