"""A UDP proxy between clients and a server: records the wire and, if asked, misbehaves like one."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import time
from dataclasses import dataclass, field
from itertools import count
from threading import Thread

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message

Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """How bad the way is: shares (0..1) of datagrams lost, doubled, and held back behind later
    ones; every ``stall_every`` seconds nothing passes for ``stall`` seconds."""

    loss: float = 0.0
    duplicates: float = 0.0
    reordered: float = 0.0
    reorder_seconds: float = 0.02
    stall: float = 0.0
    stall_every: float = 1.0


@dataclass
class Wire:
    """What passed on one side, as messages, in the order in which it was forwarded."""

    to_server: list[Message] = field(default_factory=list)
    to_client: list[Message] = field(default_factory=list)


class UdpProxy:
    """Listens on ``port``; each client has a socket of its own towards the server."""

    def __init__(self, server_port: int, weather: Weather = Weather(), seed: int = 1) -> None:
        self.wire = Wire()
        self.lost = self.doubled = 0
        self.server: Address = ("127.0.0.1", server_port)
        self._weather, self._random = weather, random.Random(seed)
        self._front = _bound_socket()
        self._upstream: dict[Address, socket.socket] = {}
        self._held: list[tuple[float, int, socket.socket, bytes, Address, list[Message]]] = []
        self._order = count()
        self._began = time.monotonic()
        self._closing = False
        self._thread = Thread(target=self._run, name="udp-proxy", daemon=True)

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    def __enter__(self) -> UdpProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()
        for each in (self._front, *self._upstream.values()):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._front, selectors.EVENT_READ, None)
            while not self._closing:
                for key, _ in selector.select(self._patience()):
                    self._take(key.fileobj, key.data, selector)
                self._release()

    def _take(self, source, client: Address | None, selector) -> None:
        try:
            datagram, sender = source.recvfrom(65535)
        except OSError:  # an earlier datagram found nobody
            return
        if client is not None:
            self._pass(self._front, datagram, client, self.wire.to_client)
            return
        if sender not in self._upstream:
            self._upstream[sender] = _bound_socket()
            selector.register(self._upstream[sender], selectors.EVENT_READ, sender)
        self._pass(self._upstream[sender], datagram, self.server, self.wire.to_server)

    def _pass(self, by: socket.socket, datagram: bytes, to: Address, record: list[Message]) -> None:
        weather, chance = self._weather, self._random.random
        if chance() < weather.loss:
            self.lost += 1
            return
        copies = 1 + (chance() < weather.duplicates)
        self.doubled += copies - 1
        for _ in range(copies):
            held = weather.reorder_seconds if chance() < weather.reordered else 0.0
            due = time.monotonic() + held
            heapq.heappush(self._held, (due, next(self._order), by, datagram, to, record))

    def _release(self) -> None:
        while self._held and self._held[0][0] <= time.monotonic() and not self._is_stalled():
            _, _, by, datagram, to, record = heapq.heappop(self._held)
            try:
                record.extend(osc.decode(datagram))
            except osc.UndecodableError:
                record.append(Message("undecodable", (datagram,)))
            try:
                by.sendto(datagram, to)
            except OSError:  # nobody there at the moment
                continue

    def _is_stalled(self) -> bool:
        since = (time.monotonic() - self._began) % self._weather.stall_every
        return since < self._weather.stall

    def _patience(self) -> float:
        if not self._held:
            return 0.02
        return min(max(self._held[0][0] - time.monotonic(), 0.001), 0.02)


def _bound_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    bound.bind(("127.0.0.1", 0))
    bound.setblocking(False)
    return bound
