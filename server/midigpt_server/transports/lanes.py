"""A UDP socket for each client that has spoken, so that no client's flood overflows another's.

All are bound to the one listening address; the kernel gives a datagram to the socket that is
connected to its sender, each of which has a buffer of its own (Linux; elsewhere there are no lanes,
and all clients share the listening socket).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import sys
import time
from collections.abc import Callable

Address = tuple[str, int]

MAX_LANES = 128
IDLE_SECONDS = 600.0  # then a lane may go to another client
HOLD_SECONDS = 0.1  # that nothing is read of a client that sends too much,
LONGEST_HOLD = 0.8  # twice as long each time that it goes on
_RECEIVE_BUFFER = 1 << 20
_MAX_DRAINED = 8  # datagrams, before another lane has its turn
_MAX_DISCARDED = 4096  # datagrams at once

log = logging.getLogger(__name__)


class Lanes:
    """``take`` gets the datagrams of all lanes, on the loop, and ``discarded`` the number of those
    that were thrown away unread."""

    def __init__(
        self,
        listening: socket.socket,
        take: Callable[[bytes, Address], None],
        discarded: Callable[[Address, int], None],
    ) -> None:
        self._listening = listening
        self._take = take
        self._discarded = discarded
        self._held: set[Address] = set()
        self._last_hold: dict[Address, tuple[float, float]] = {}  # how long, until when
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

    def hold(self, client: Address) -> None:
        """Read nothing of a client for a while: its flood overflows in the kernel, at no cost."""
        if client in self._lanes and client not in self._held:
            now = time.monotonic()
            seconds, until = self._last_hold.get(client, (0.0, -math.inf))
            goes_on = now - until < LONGEST_HOLD
            seconds = min(2 * seconds, LONGEST_HOLD) if goes_on else HOLD_SECONDS
            self._last_hold[client] = seconds, now + seconds
            self._held.add(client)
            self._loop.remove_reader(self._lanes[client])
            self._loop.call_later(seconds, self._release, client)

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
            if client in self._held:
                return

    def _release(self, client: Address) -> None:
        """Throw away what has come meanwhile, and read again."""
        if client not in self._held:  # closed
            return
        self._held.remove(client)
        lane, count = self._lanes[client], 0
        with contextlib.suppress(OSError):
            while count < _MAX_DISCARDED:
                lane.recv(1)
                count += 1
        self._discarded(client, count)
        self._loop.add_reader(lane, self._read, client)

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
        self._held.discard(client)
        self._last_hold.pop(client, None)
        self._loop.remove_reader(lane)
        lane.close()
