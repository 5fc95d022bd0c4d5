"""The web server of ``--async-mode threading``: cheroot, a thread a request.

A WebSocket keeps its thread, so the pool is larger than :data:`midigpt_studio.app.MAX_BROWSERS`.
"""

from __future__ import annotations

import logging
import socket
from typing import Any

from cheroot.wsgi import Gateway_10, Server

from midigpt_studio.guard import App

_THREADS = 64

log = logging.getLogger(__name__)


class _Gateway(Gateway_10):
    """Hands WebSockets the connection itself, as Werkzeug's server would."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """The WSGI environment, with a duplicate of the socket: its user closes it when done."""
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        connection = self.req.conn.socket
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            duplicate = connection.dup()
            duplicate.settimeout(None)
            environ["werkzeug.socket"] = duplicate
            # browsers offer to inflate: packing a batch for each of them costs more than it saves
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return environ

    def respond(self) -> None:
        """Serve one request; a browser that leaves in the middle is no error."""
        try:
            super().respond()
        except (ConnectionError, TimeoutError):
            self.req.sent_headers = True  # nothing more may be written
            self.req.close_connection = True


class ThreadedWeb:
    """Serves ``app`` on ``host`` and ``port`` (0: a free one).

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(self, app: App, host: str, port: int) -> None:
        self._server = Server((host, port), app, numthreads=_THREADS, request_queue_size=128)
        self._server.gateway = _Gateway
        self._server.error_log = _log  # type: ignore[assignment,method-assign]
        self._server.prepare()

    @property
    def port(self) -> int:
        """The bound port."""
        return int(self._server.bind_addr[1])

    def serve(self) -> None:
        """Serve until stopped, on the calling thread."""
        self._server.serve()

    def stop(self) -> None:
        """Let :meth:`serve` return; from another thread."""
        self._server.stop()


def _log(message: str = "", level: int = 20, traceback: bool = False) -> None:
    """Log a line of cheroot's where ours go."""
    log.debug(message.strip(), exc_info=traceback)
