"""OSC 1.1 over TCP: packets framed by SLIP (RFC 1055), each framed by END on both sides.

A stream that breaks the framing or the size limit, and a client that does not read, lose their
connection and nothing else; the session stays, for the client to come back to by its id.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Hashable, Sequence

from pythonosc import slip

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.transports.gate import Gate
from midigpt_server.transports.transport import Receiver

MAX_PACKET = 65_535  # bytes, as over UDP
MAX_BACKLOG = 1 << 20  # bytes that a client may leave unread
MAX_CONNECTIONS = 128

_END = b"\xc0"

log = logging.getLogger(__name__)


class TcpTransport:
    """A bound TCP socket. Port 0 takes a free one.

    Raises ``OSError`` when the address cannot be bound.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7400) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._server: asyncio.Server | None = None
        self.gate: Gate
        self.connections: set[TcpPeer] = set()

    def __str__(self) -> str:
        return "TCP {}:{}".format(*self.address)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.address[1]

    async def open(self, receiver: Receiver) -> None:
        """Begin to accept."""
        self.gate = Gate(receiver)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpPeer(self), sock=self._socket)

    def close(self) -> None:
        """Close the socket and all connections."""
        if self._server is not None:
            self._server.close()
        for peer in tuple(self.connections):
            peer.end()
        self._socket.close()


class TcpPeer(asyncio.Protocol):
    """One connection. Replies come back on it, whatever port a message asks for."""

    def __init__(self, transport: TcpTransport) -> None:
        self._all = transport
        self._wire: asyncio.Transport
        self._unfinished = bytearray()
        self._address = ("", 0)

    @property
    def key(self) -> Hashable:
        """The connection's address; the protocol tells it from a UDP client's."""
        return ("tcp", *self._address)

    @property
    def host(self) -> str:
        """Its IP address."""
        return self._address[0]

    def send(self, messages: Sequence[Message]) -> None:
        """Queue without waiting; a client that has left ``MAX_BACKLOG`` unread is cut off."""
        if self._wire.is_closing():
            return
        packets = (slip.encode(packet) for packet in osc.encode_all(messages))
        self._wire.write(b"".join(packets))
        self._all.gate.sent(messages, self.key)
        if self._wire.get_write_buffer_size() > MAX_BACKLOG:
            self._break("slow_clients", f"has left {MAX_BACKLOG} bytes unread")

    def on_port(self, port: int) -> TcpPeer:
        """Itself: there is only one way back."""
        return self

    def end(self) -> None:
        """Close the connection, dropping what is unsent."""
        self._wire.abort()

    # --- called by asyncio -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._address = transport.get_extra_info("peername")[:2]
        self._all.connections.add(self)
        if len(self._all.connections) > MAX_CONNECTIONS:
            self._break("refused_connections", f"is one more than {MAX_CONNECTIONS} connections")

    def data_received(self, data: bytes) -> None:
        """Hand on the packets that are complete."""
        self._unfinished += data
        *packets, self._unfinished = self._unfinished.split(_END)
        for packet in packets:
            if packet and not self._wire.is_closing() and self._all.gate.admits(self.key):
                self._take(bytes(packet))
        if len(self._unfinished) > 2 * MAX_PACKET:  # every byte may be escaped
            self._break("broken_streams", f"sends a packet of more than {MAX_PACKET} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._all.connections.discard(self)

    # --- private ---------------------------------------------------------------------------

    def _take(self, packet: bytes) -> None:
        try:
            decoded = slip.decode(packet)
        except slip.ProtocolError:
            self._break("broken_streams", "breaks the SLIP framing")
            return
        self._all.gate.take(decoded, self)

    def _break(self, counter: str, reason: str) -> None:
        self._all.gate.counters[counter] += 1
        log.warning("TCP client %s:%d %s; connection closed", *self._address, reason)
        self.end()
