"""What the tests' clients do all the time."""

from __future__ import annotations

import json
from typing import Any

from transcript import settle

from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message


class Musician:
    """A client with the gestures of a player; track 0 is human, track 1 the agent."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(self, name: str, *arguments: Any, tags: str = "") -> None:
        self.client.send(f"/midigpt/{name}", *arguments, tags=tags)

    def replies(self) -> list[Message]:
        """All replies so far, once the server has nothing more to do."""
        return settle(self.client)

    def ask(self, name: str, *arguments: Any, tags: str = "") -> list[Message]:
        self.send(name, *arguments, tags=tags)
        return self.replies()

    def begin(self, **parameters: Any) -> None:
        """A running session of a human and a melodic agent; replies are dropped."""
        self.send("session/init", "test")
        self.send("track/create", 0, 0, 10, 0)
        self.send("track/create", 1, 32, 10, 1)
        for name, value in parameters.items():
            self.send("param/set", name, value)
        self.send("session/start")
        assert "/midigpt/session/started" in [reply.address for reply in self.replies()]

    def note(self, bar: int, pitch: int = 60, onset: float = 0.0, duration: float = 0.25) -> None:
        self.send("note", 0, pitch, 80, onset, duration, bar, tags="iiiffi")

    def end(self, bar: int, numerator: int = 4, denominator: int = 4) -> None:
        self.send("bar/end", bar, numerator, denominator)

    def play(self, bar: int) -> list[Message]:
        """A bar with one note; returns the replies."""
        self.note(bar, 60 + bar % 12)
        self.end(bar)
        return self.replies()

    def state(self) -> dict[str, Any]:
        self.send("session/query")
        reply = self.client.wait_for("/midigpt/session/state")
        return dict(json.loads(reply.arguments[0]))

    def ping(self, text: str = "?") -> None:
        """Wait until the server has seen everything sent so far."""
        self.send("ping", text)
        self.client.wait_for("/midigpt/pong", text)


def addresses(replies: list[Message]) -> list[str]:
    return [reply.address.removeprefix("/midigpt/") for reply in replies]


def codes(replies: list[Message]) -> list[int]:
    return [reply.arguments[0] for reply in replies if reply.address == "/midigpt/error"]


def named(replies: list[Message], name: str) -> list[tuple[Any, ...]]:
    return [reply.arguments for reply in replies if reply.address == f"/midigpt/{name}"]


def opened_bars(replies: list[Message]) -> list[int]:
    return [arguments[1] for arguments in named(replies, "generated/open")]
