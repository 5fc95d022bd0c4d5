"""A UDP socket for each client that has spoken, so that no client's flood overflows another's.

All are bound to the one listening address; the kernel gives a datagram to the socket that is
connected to its sender, each of which has a buffer of its own (Linux; elsewhere there are no lanes,
and all clients share the listening socket).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable

Address = tuple[str, int]

MAX_LANES = 128
IDLE_SECONDS = 600.0  # then a lane may go to another client
_RECEIVE_BUFFER = 1 << 20
_MAX_DRAINED = 8  # datagrams, before another lane has its turn

log = logging.getLogger(__name__)


class Lanes:
    """``take`` gets the datagrams of all lanes, on the loop."""

    def __init__(self, listening: socket.socket, take: Callable[[bytes, Address], None]) -> None:
        self._listening = listening
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[Address, socket.socket] = {}
        self._used: dict[Address, float] = {}
        self._possible = sys.platform == "linux"

    def open_for(self, client: Address) -> None:
        """Give a client a lane, if there is one to give; nothing to a client that has one."""
        if not self._possible or client in self._lanes or not self._make_room():
            return
        lane = socket.socket(self._listening.family, socket.SOCK_DGRAM)
        try:
            self._bind(lane, client)
        except OSError as problem:
            lane.close()
            self._possible = False
            log.info("clients share one socket: %s", problem)
            return
        self._lanes[client], self._used[client] = lane, time.monotonic()
        self._loop.add_reader(lane, self._read, client)

    def close(self) -> None:
        """Close all."""
        for client in tuple(self._lanes):
            self._close(client)

    def _bind(self, lane: socket.socket, client: Address) -> None:
        """Bind to the address in use: allowed for this moment only, so that a second server is
        still told that the port is busy."""
        lane.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        lane.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            lane.bind(self._listening.getsockname())
        finally:
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        lane.connect(client)
        lane.setblocking(False)

    def _read(self, client: Address) -> None:
        lane = self._lanes[client]
        self._used[client] = time.monotonic()
        for _ in range(_MAX_DRAINED):
            try:
                datagram = lane.recv(65535)
            except OSError:  # nothing more, or news that the client is gone
                return
            self._take(datagram, client)

    def _make_room(self) -> bool:
        if len(self._lanes) < MAX_LANES:
            return True
        oldest = min(self._used, key=lambda client: self._used[client])
        if time.monotonic() - self._used[oldest] < IDLE_SECONDS:
            return False
        self._close(oldest)
        return True

    def _close(self, client: Address) -> None:
        lane = self._lanes.pop(client)
        del self._used[client]
        self._loop.remove_reader(lane)
        lane.close()
