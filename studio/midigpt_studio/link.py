"""What lies behind the page: a live server, in this process or in another one."""

from __future__ import annotations

from typing import Any, Protocol


class Link(Protocol):
    """A way to a live server for many browsers, each named by its Socket.IO id.

    Its replies go to the :class:`midigpt_studio.post.Post` it was made with.
    """

    def connect(self, browser: str) -> None:
        """A browser has connected."""

    def receive(self, browser: str, address: str, arguments: list[Any]) -> None:
        """A browser has sent a message. Raises ValueError when it cannot be an OSC message."""

    def disconnect(self, browser: str) -> None:
        """A browser is gone; unknown ones are ignored."""
