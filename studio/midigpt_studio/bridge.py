"""A way to a live server in another process: one UDP client a browser."""

from __future__ import annotations

import logging
import socket
from threading import Thread
from typing import Any

from midigpt_server.client import Client
from midigpt_server.protocol import osc
from midigpt_studio.post import Post

log = logging.getLogger(__name__)


class Bridge:
    """Relays between browsers and the server at ``address``; replies go to ``post``. A server that
    asks machines other than its own for a token is shown ``token``."""

    def __init__(self, address: tuple[str, int], post: Post, token: str = "") -> None:
        self._address = address
        self._token = token
        self._post = post
        self._clients: dict[str, Client] = {}

    def connect(self, browser: str) -> None:
        """Begin to relay for a browser."""
        client = Client(*self._address)
        self._clients[browser] = client
        if self._token:
            client.send("/midigpt/token", self._token)
        Thread(target=self._listen, args=(browser, client), daemon=True).start()

    def receive(self, browser: str, address: str, arguments: list[Any]) -> None:
        """Send a browser's message on.

        Raises:
            ValueError: a value that OSC has no type for.
        """
        self._clients[browser].send(address, *arguments)

    def disconnect(self, browser: str) -> None:
        """The browser is gone."""
        client = self._clients.pop(browser, None)
        if client is not None:
            client.close()

    def _listen(self, browser: str, client: Client) -> None:
        while browser in self._clients:
            try:
                message = client.receive(timeout=1.0)
            except TimeoutError:
                continue
            except (OSError, osc.UndecodableError, ValueError) as problem:
                if browser in self._clients:
                    log.debug("from the server: %s", problem)
                    continue
                return
            self._post.post(browser, message)


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``PORT`` as an address.

    Raises:
        ValueError: it is neither, or the host is unknown.
    """
    host, _, port = text.rpartition(":")
    try:
        number = int(port)
        if not 1 <= number <= 65535:
            raise ValueError
    except ValueError:
        raise ValueError(f"{text!r} is no HOST:PORT; 127.0.0.1:7400 would be") from None
    host = host or "127.0.0.1"
    try:
        return str(socket.gethostbyname(host)), number
    except OSError:
        raise ValueError(f"host {host!r} is unknown") from None
