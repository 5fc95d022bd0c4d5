"""Socket.IO as a transport of the live server in this process: each browser is a peer."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from midigpt_server.protocol.osc import Message
from midigpt_server.transports.transport import Receiver
from midigpt_studio.post import Post


@dataclass(frozen=True)
class Browser:
    """A browser, named by its Socket.IO id. It shares no session with others by accident."""

    name: str
    transport: SocketIoTransport = field(repr=False, compare=False)

    @property
    def key(self) -> Hashable:
        """Its kind and name."""
        return "browser", self.name

    @property
    def host(self) -> str:
        """Each browser is a machine of its own: clients of one machine share sessions."""
        return f"browser {self.name}"

    def send(self, messages: Sequence[Message]) -> None:
        """Post them, unless the browser is gone: sessions keep a peer until they end."""
        if self.transport.is_connected(self.name):
            self.transport.post.post(self.name, *messages)

    def on_port(self, port: int) -> Browser:
        """Itself: a browser has no ports."""
        return self


class SocketIoTransport:
    """Between the threads of the web server and the loop of the live server."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._loop: asyncio.AbstractEventLoop | None = None
        self._receiver: Receiver | None = None
        self._browsers: dict[str, Browser] = {}

    # --- of the live server ----------------------------------------------------------------

    async def open(self, receiver: Receiver) -> None:
        """Begin to hand messages over."""
        self._receiver, self._loop = receiver, asyncio.get_running_loop()

    def close(self) -> None:
        """Hand over no more."""
        self._receiver = None

    @property
    def port(self) -> int:
        """None of its own: the web server has it."""
        return 0

    def __str__(self) -> str:
        return "Socket.IO"

    # --- of the web server: a Link ---------------------------------------------------------

    def connect(self, browser: str) -> None:
        """A browser has connected."""
        self._browsers[browser] = Browser(browser, self)

    def receive(self, browser: str, address: str, arguments: list[Any]) -> None:
        """A browser has sent a message."""
        peer = self._browsers.get(browser)
        if peer is not None and self._loop is not None:
            message = Message(address, tuple(arguments))
            self._loop.call_soon_threadsafe(self._hand_over, message, peer)

    def is_connected(self, browser: str) -> bool:
        """Whether a browser is there."""
        return browser in self._browsers

    def disconnect(self, browser: str) -> None:
        """A browser is gone."""
        self._browsers.pop(browser, None)

    def _hand_over(self, message: Message, peer: Browser) -> None:
        if self._receiver is not None:
            self._receiver.receive([message], peer)
