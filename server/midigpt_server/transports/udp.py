"""OSC over UDP, one packet a datagram; replies leave from the listening port (D13)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.transports.gate import Gate
from midigpt_server.transports.lanes import Lanes
from midigpt_server.transports.transport import Receiver

_RECEIVE_BUFFER = 1 << 22
_MAX_DRAINED = 512  # datagrams, before the loop does anything else

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UdpPeer:
    """One address that datagrams came from; replies may go to another of its ports."""

    address: tuple[str, int]
    transport: UdpTransport = field(repr=False, compare=False)
    reply_port: int | None = field(default=None, compare=False)

    @property
    def key(self) -> Hashable:
        """Its address."""
        return self.address

    @property
    def host(self) -> str:
        """Its IP address."""
        return self.address[0]

    def send(self, messages: Sequence[Message]) -> None:
        """One datagram for each message, or a bundle of those of one time."""
        to = (self.address[0], self.reply_port or self.address[1])
        for datagram in osc.encode_all(messages):
            self.transport.send(datagram, to)
        self.transport.gate.sent(messages, self.key)

    def on_port(self, port: int) -> UdpPeer:
        """The same client, listening on ``port``."""
        return UdpPeer(self.address, self.transport, port)


class UdpTransport(asyncio.DatagramProtocol):
    """A bound UDP socket. Port 0 takes a free one.

    Raises ``OSError`` when the address cannot be bound.
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
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._wire: asyncio.DatagramTransport | None = None
        self._lanes: Lanes | None = None
        self.gate: Gate

    def __str__(self) -> str:
        return "UDP {}:{}".format(*self.address)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.address[1]

    async def open(self, receiver: Receiver) -> None:
        """Begin to receive."""
        self.gate = Gate(receiver)
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):
            self._lanes = Lanes(self._socket, self._take, self.gate.discarded)
        self._wire, _ = await loop.create_datagram_endpoint(lambda: self, sock=self._socket)

    def close(self) -> None:
        """Close the socket."""
        if self._lanes is not None:
            self._lanes.close()
        if self._wire is not None:
            self._wire.close()
        self._socket.close()

    def send(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send; a failure is counted and logged."""
        if self._wire is None or self._wire.is_closing():
            return
        try:
            self._wire.sendto(datagram, address)
        except (OSError, ValueError) as error:
            self.error_received(error)

    # --- called by asyncio -----------------------------------------------------------------

    def datagram_received(self, datagram: bytes, address: tuple[Any, ...]) -> None:
        """Take this datagram, and at once all that wait behind it: the loop would read one at each
        turn, so that a flood from one client would make the others' datagrams overflow."""
        self._take(datagram, address)
        if self._lanes is None:
            return
        for _ in range(_MAX_DRAINED):
            try:
                self._take(*self._socket.recvfrom(65535))
            except OSError:  # nothing more, or news of a receiver that is gone
                return

    def error_received(self, error: Exception) -> None:
        """An earlier datagram could not be sent."""
        self.gate.counters["send_failures"] += 1
        log.warning("cannot send: %s", error)

    # --- private ---------------------------------------------------------------------------

    def _take(self, datagram: bytes, address: tuple[Any, ...]) -> None:
        key = (address[0], address[1])
        if self.gate.admits(key):
            is_osc = self.gate.take(datagram, UdpPeer(key, self))
            if is_osc and self._lanes is not None:
                self._lanes.open_for(key)
        elif self._lanes is not None:
            self._lanes.open_for(key)
            self._lanes.hold(key)
