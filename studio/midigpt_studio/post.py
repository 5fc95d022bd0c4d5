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

#: Seconds between two flushes: the delay of a message, at most.
INTERVAL = 0.020

OscList: TypeAlias = list[Any]  # [address, argument, ...]
Emit: TypeAlias = Callable[[str, list[OscList]], None]  # (receiver, batch)


class Post:
    """A queue of messages to named receivers. ``emit`` sends one batch to one receiver.

    ``wake`` is called after each message, from any thread, for whoever calls :meth:`flush`.
    """

    def __init__(self, emit: Emit, wake: Callable[[], None] = lambda: None) -> None:
        self._emit = emit
        self._wake = wake
        self._queue: deque[tuple[str, OscList]] = deque()

    def post(self, receiver: str, message: OscList) -> None:
        """Queue a message; never blocks, from any thread."""
        self._queue.append((receiver, message))
        self._wake()

    def flush(self) -> None:
        """Send what is queued: one batch a receiver, in order."""
        batches: dict[str, list[OscList]] = {}
        while self._queue:
            receiver, message = self._queue.popleft()
            batches.setdefault(receiver, []).append(message)
        for receiver, batch in batches.items():
            self._emit(receiver, batch)


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
