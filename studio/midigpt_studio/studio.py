"""All parts of a studio put together: live server or bridge, web application, web server."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.llama_backend import LlamaBackend
from midigpt_server.generation.models import Models
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport
from midigpt_studio import address
from midigpt_studio.app import AsyncMode, attach, emitter, make_app
from midigpt_studio.bridge import Bridge
from midigpt_studio.files import ENGINE
from midigpt_studio.guard import Guard
from midigpt_studio.journal import JOURNAL
from midigpt_studio.link import Link
from midigpt_studio.transport import SocketIoTransport


class Studio:
    """A page on ``host:port`` with a live server behind it.

    The live server plays with ``backend`` (and ``llama`` where an agent asks for it), listens on
    UDP ``osc_port`` too and writes its sessions to ``journal``, unless None; without a backend the
    page is attached to the running server at ``connect``, which may ask for a ``connect_token``.
    ``token`` is asked of every browser, unless None; ``names`` are further hosts under which the
    page may be called.

    Raises:
        OSError: a port cannot be bound.
        ImportError: the extra of ``mode`` is not installed.
    """

    def __init__(
        self,
        backend: EngineBackend | None = None,
        connect: tuple[str, int] = ("127.0.0.1", 7400),
        connect_token: str = "",
        host: str = "127.0.0.1",
        port: int = 7480,
        osc_port: int = 7400,
        journal: Path | None = None,
        token: str | None = None,
        names: Iterable[str] = (),
        mode: AsyncMode = "threading",
        llama: LlamaBackend | None = None,
    ) -> None:
        if mode == "eventlet":
            from midigpt_studio.web_eventlet import EventletWeb as Web
            from midigpt_studio.web_eventlet import GreenPost as PostOfMode
        else:
            from midigpt_studio.post import ThreadedPost as PostOfMode  # type: ignore[assignment]
            from midigpt_studio.web_threads import ThreadedWeb as Web  # type: ignore[assignment]

        udp = bind_udp(osc_port) if backend else None
        app, socketio = make_app(mode)
        app.config[ENGINE] = backend.engine if backend else None
        app.config[JOURNAL] = journal
        self._web = Web(Guard(app, address.names(host, list(names)), token), host, port)
        self._post = PostOfMode(emitter(socketio))
        self._server: Server | None = None
        link: Link
        if backend is not None and udp is not None:
            link = transport = SocketIoTransport(self._post)
            models = Models(backend, llama)
            self._server = Server(models, [udp, transport], journal=journal).start()
            self.osc_address = udp.address
        else:
            link = Bridge(connect, self._post, connect_token)
            self.osc_address = connect
        attach(socketio, link)
        self.url = address.url(host, self._web.port, token)

    def serve(self) -> None:
        """Serve until stopped, on the calling thread."""
        self._web.serve()

    def close(self) -> None:
        """End everything; :meth:`serve` returns."""
        self._web.stop()
        self._post.close()
        if self._server:
            self._server.close()


def bind_udp(port: int) -> UdpTransport:
    """The UDP port for a DAW on this machine.

    Raises:
        OSError: it is in use; the text says what to do.
    """
    try:
        return UdpTransport("127.0.0.1", port)
    except OSError:
        raise OSError(
            f"UDP port {port} is in use: choose another with --osc-port, "
            f"or attach to the server there with --connect 127.0.0.1:{port}"
        ) from None
