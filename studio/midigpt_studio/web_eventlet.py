"""The web server of ``--async-mode eventlet``: eventlet's own, without monkey patching.

The engine and the OSC server run in real threads, which must never touch a green socket: they post,
and a pipe wakes the hub, where the messages are sent. Eventlet itself advises new projects against
using it; it is here for those whose Flask-SocketIO set-up is built on it.
"""

from __future__ import annotations

import os
import warnings

from midigpt_studio.guard import App
from midigpt_studio.post import INTERVAL, Emit, Post

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet
    import eventlet.wsgi
    from eventlet.hubs import trampoline


class GreenPost(Post):
    """A queue flushed on the hub; other threads wake it through a pipe."""

    def __init__(self, emit: Emit) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        super().__init__(emit, self._wake_hub)
        eventlet.spawn(self._run)

    def close(self) -> None:
        """Send what is left."""
        self.flush()

    def _wake_hub(self) -> None:
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:  # the pipe is full: the hub will wake anyway
            return

    def _run(self) -> None:
        while True:
            trampoline(self._reader, read=True)
            os.read(self._reader, 65_536)
            self.flush()
            eventlet.sleep(INTERVAL)


class EventletWeb:
    """Serves ``app`` on ``host`` and ``port`` (0: a free one).

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(self, app: App, host: str, port: int) -> None:
        self._app = app
        self._socket = eventlet.listen((host, port))
        self.port = int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Serve until stopped, on the calling thread."""
        eventlet.wsgi.server(self._socket, self._app, log_output=False)

    def stop(self) -> None:
        """Let :meth:`serve` return."""
        self._socket.close()
