"""The one way from any thread to the browsers: a queue, emptied in batches every 20 ms.

Socket.IO costs much per event and little per byte, so messages travel in lists. Only the flusher
emits; every other thread may only :meth:`Post.post`. That holds under real threads and under
eventlet, whose sockets must not be touched from another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, TypeAlias

from midigpt_server.protocol.osc import Message

#: Seconds between two flushes: the delay of a message, at most.
INTERVAL = 0.020

OscList: TypeAlias = list[Any]  # [address, argument, ...]
Emit: TypeAlias = Callable[[list[str], list[OscList]], None]  # (receivers, batch)


class Post:
    """A queue of messages to named receivers. ``emit`` sends one batch to all who get the same: the
    many that watch one session cost one encoding.

    ``wake`` is called, from any thread, when there is something for whoever calls :meth:`flush`.
    """

    def __init__(self, emit: Emit, wake: Callable[[], None] = lambda: None) -> None:
        self._emit = emit
        self._wake = wake
        self._queue: deque[tuple[str, Message]] = deque()
        self._is_awake = False

    def post(self, receiver: str, *messages: Message) -> None:
        """Queue messages; never blocks, from any thread."""
        self._queue.extend((receiver, message) for message in messages)
        if not self._is_awake:
            self._is_awake = True
            self._wake()

    def flush(self) -> None:
        """Send what is queued: one batch a receiver, in order."""
        self._is_awake = False  # first: what is queued from now on wakes again
        batches: dict[str, list[Message]] = {}
        while self._queue:
            receiver, message = self._queue.popleft()
            batches.setdefault(receiver, []).append(message)
        alike: dict[tuple[int, ...], list[str]] = {}
        for receiver, batch in batches.items():
            alike.setdefault(tuple(map(id, batch)), []).append(receiver)
        for receivers in alike.values():
            batch = batches[receivers[0]]
            self._emit(receivers, [[message.address, *message.arguments] for message in batch])


class ThreadedPost(Post):
    """A queue with a flushing thread of its own."""

    def __init__(self, emit: Emit) -> None:
        self._filled = Event()
        self._closed = Event()
        super().__init__(emit, self._filled.set)
        self._thread = Thread(target=self._run, name="studio-post", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Flush once more and end the thread."""
        self._closed.set()
        self._filled.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._filled.wait()
            self._filled.clear()
            self.flush()
            self._closed.wait(INTERVAL)
        self.flush()
