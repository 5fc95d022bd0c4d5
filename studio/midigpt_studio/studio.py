"""All parts of a studio put together: live server or bridge, web application, web server."""

from __future__ import annotations

from collections.abc import Iterable

from midigpt_server.engine import EngineBackend
from midigpt_server.server import Server
from midigpt_server.udp import UdpEndpoint
from midigpt_studio import address
from midigpt_studio.app import AsyncMode, attach, emitter, make_app
from midigpt_studio.bridge import Bridge
from midigpt_studio.guard import Guard


class Studio:
    """A page on ``host:port`` with a live server behind it.

    ``connect`` attaches to a running server instead of starting one with ``checkpoint`` (None: the
    bundled one) on UDP ``osc_port``. ``token`` is asked of every browser, unless None; ``names``
    are further hosts under which the page may be called.

    Raises:
        OSError: a port cannot be bound, or the checkpoint cannot be read.
        ImportError: the extra of ``mode`` is not installed.
        ValueError: the checkpoint is none.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 7480,
        osc_port: int = 7400,
        connect: tuple[str, int] | None = None,
        checkpoint: str | None = None,
        token: str | None = None,
        names: Iterable[str] = (),
        mode: AsyncMode = "threading",
    ) -> None:
        if mode == "eventlet":
            from midigpt_studio.web_eventlet import EventletWeb as Web
            from midigpt_studio.web_eventlet import GreenPost as PostOfMode
        else:
            from midigpt_studio.post import ThreadedPost as PostOfMode  # type: ignore[assignment]
            from midigpt_studio.web_threads import ThreadedWeb as Web  # type: ignore[assignment]

        app, socketio = make_app(mode)
        guarded = Guard(app, address.names(host, list(names)), token)
        self._web = Web(guarded, host, port)
        self._post = PostOfMode(emitter(socketio))
        self._server = None if connect else _live_server(osc_port, checkpoint)
        attach(socketio, Bridge(connect or ("127.0.0.1", self._server_port()), self._post))
        self._connect = connect
        self.url = address.url(host, self._web.port, token)

    @property
    def osc_port(self) -> int | None:
        """The UDP port of the live server in this process, if there is one."""
        return self._server.port if self._server else None

    @property
    def about(self) -> str:
        """One line for the user: what is behind the page."""
        if self._connect:
            return "attached to the live server at {}:{}".format(*self._connect)
        return f"the live server in here listens on UDP 127.0.0.1:{self.osc_port} for your DAW"

    def serve(self) -> None:
        """Serve until stopped, on the calling thread."""
        self._web.serve()

    def close(self) -> None:
        """End everything; :meth:`serve` returns."""
        self._web.stop()
        self._post.close()
        if self._server:
            self._server.close()

    def _server_port(self) -> int:
        assert self._server is not None
        return self._server.port


def _live_server(port: int, checkpoint: str | None) -> Server:
    from midigpt.inference import InferenceEngine

    try:
        endpoint = UdpEndpoint("127.0.0.1", port)
    except OSError:
        raise OSError(
            f"UDP port {port} is in use: choose another with --osc-port, "
            f"or attach to the server there with --connect 127.0.0.1:{port}"
        ) from None
    if checkpoint is None:
        engine = InferenceEngine.from_pretrained(weights="int8")
    else:
        engine = InferenceEngine.from_checkpoint(checkpoint, weights="int8")
    engine.warmup()
    return Server(EngineBackend(engine), endpoint).start()
