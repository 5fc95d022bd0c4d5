"""The UDP socket and the thread that owns the server's state.

One thread receives datagrams and events, hands them on and sends the replies, all from the one
listening socket (D13). Other threads may only :meth:`UdpEndpoint.post` and
:meth:`UdpEndpoint.close`.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

MAX_DATAGRAM = 65535
_RECEIVE_BUFFER = 1 << 20

log = logging.getLogger(__name__)


class UdpEndpoint:
    """A bound UDP socket with an inbox for events of other threads.

    Port 0 takes a free port. Raises ``OSError`` when the address cannot be bound.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7400) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._closing = False
        self.counters: Counter[str] = Counter()

    @property
    def address(self) -> tuple[str, int]:
        """The bound address."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def serve(
        self,
        on_datagram: Callable[[bytes, tuple[str, int]], None],
        on_event: Callable[[Any], None],
    ) -> None:
        """Hand on datagrams and posted events until closed. An exception of a handler is logged."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self._closing:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake_receiver in ready:
                    self._drain_inbox(on_event)
                if self._socket in ready:
                    self._receive(on_datagram)
        self._socket.close()
        self._wake_receiver.close()
        self._wake_sender.close()

    def post(self, event: Any) -> None:
        """Give an event to the serving thread; from any thread."""
        self._inbox.put(event)
        self._wake()

    def close(self) -> None:
        """Let :meth:`serve` return; from any thread."""
        self._closing = True
        self._wake()

    def send(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send; a failure is counted and logged."""
        try:
            self._socket.sendto(datagram, address)
            self.counters["sent"] += 1
        except OSError as error:
            self.counters["send_failures"] += 1
            log.warning("cannot send %d bytes to %s:%d: %s", len(datagram), *address[:2], error)

    def _receive(self, on_datagram: Callable[[bytes, tuple[str, int]], None]) -> None:
        try:
            datagram, sender = self._socket.recvfrom(MAX_DATAGRAM)
        except OSError as error:  # Windows reports here that an earlier reply found no receiver
            log.debug("receive: %s", error)
            return
        self.counters["received"] += 1
        self._guarded(on_datagram, datagram, sender[:2])

    def _drain_inbox(self, on_event: Callable[[Any], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_receiver.recv(4096):
                pass
        while True:
            try:
                event = self._inbox.get_nowait()
            except Empty:
                return
            self._guarded(on_event, event)

    def _guarded(self, handler: Callable[..., None], *arguments: Any) -> None:
        try:
            handler(*arguments)
        except Exception:
            self.counters["internal_errors"] += 1
            log.exception("internal error; the server goes on")

    def _wake(self) -> None:
        # an error means that a wake-up is pending already, or that the endpoint is closed
        with contextlib.suppress(OSError):
            self._wake_sender.send(b"\0")
