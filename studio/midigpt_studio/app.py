"""The web application: the page, its files, and Socket.IO carrying OSC messages.

The event ``osc`` takes one ``[address, *arguments]`` from a browser and brings lists of them back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from flask import Flask, Response, request
from flask_socketio import ConnectionRefusedError, SocketIO

from midigpt_studio import files, journal, soundfonts
from midigpt_studio.link import Link
from midigpt_studio.post import Emit, OscList
from midigpt_studio.schema import schema

AsyncMode: TypeAlias = Literal["threading", "eventlet"]

#: A WebSocket holds a thread of the web server; the rest is for pages and files.
MAX_BROWSERS = 40
MAX_MESSAGE = 65_536
MAX_UPLOAD = 8 << 20

log = logging.getLogger(__name__)


def make_app(mode: AsyncMode) -> tuple[Flask, SocketIO]:
    """The application without a link; :func:`attach` gives it one."""
    app = Flask("midigpt_studio", static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_UPLOAD
    app.register_blueprint(files.blueprint)
    app.register_blueprint(journal.blueprint)
    app.register_blueprint(soundfonts.blueprint)

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/schema.json")
    def describe() -> dict[str, Any]:
        return schema()

    @app.after_request
    def no_stale_pages(response: Response) -> Response:
        is_hashed = request.path.startswith("/static/assets/")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        )
        return response

    socketio = SocketIO(
        app,
        async_mode=mode,
        async_handlers=False,  # a thread for each message would let them overtake one another
        max_http_buffer_size=MAX_MESSAGE,
        transports=["websocket", "polling"],
        manage_session=False,
    )
    return app, socketio


def attach(socketio: SocketIO, link: Link) -> None:
    """Let the browsers of an application talk to a live server."""
    browsers: set[str] = set()

    def on_connect() -> None:
        if len(browsers) >= MAX_BROWSERS:
            raise ConnectionRefusedError(f"{MAX_BROWSERS} browsers are connected; close one")
        browser = _browser()
        link.connect(browser)
        browsers.add(browser)

    def on_disconnect(*_: Any) -> None:
        browsers.discard(_browser())
        link.disconnect(_browser())

    def on_osc(message: Any = None, *_: Any) -> None:
        problem = _problem(message)
        if problem is None:
            try:
                link.receive(_browser(), message[0], message[1:])
            except ValueError as error:
                problem = str(error)
        if problem is not None:
            socketio.emit("osc", [["/midigpt/error", 4, problem]], to=_browser())

    socketio.on_event("connect", on_connect)
    socketio.on_event("disconnect", on_disconnect)
    socketio.on_event("osc", on_osc)


def emitter(socketio: SocketIO) -> Emit:
    """How a batch of messages is sent to browsers; for :class:`midigpt_studio.post.Post`."""

    def emit(browsers: list[str], batch: list[OscList]) -> None:
        socketio.emit("osc", batch, to=browsers)

    return emit


def _browser() -> str:
    return str(request.sid)  # type: ignore[attr-defined]


def _problem(message: Any) -> str | None:
    """What is wrong with the shape of a browser's message."""
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        return "an osc event carries a list: address, arguments"
    if not message[0].startswith("/"):
        return f"address {message[0][:60]!r} does not begin with /"
    return _bad_argument(message[1:])


def _bad_argument(arguments: Iterable[Any]) -> str | None:
    for argument in arguments:
        if not isinstance(argument, (str, int, float)):
            return f"argument {str(argument)[:60]!r} is not a number, a boolean or a text"
    return None
