"""Play a scripted client against any OSC server of this protocol and collect its replies.

A script is a list of steps. A step is
``{"about": text, "send": [[address, tags, arguments], ...]}``,
or has ``"datagrams": [hex, ...]`` instead of ``"send"``; playing it waits until the server has
nothing more to say and stores ``"replies": [[address, tags, arguments], ...]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message

Step = dict[str, Any]
Settle = Callable[[Client], list[Message]]


def play(client: Client, steps: list[Step], settle: Settle) -> list[Step]:
    """The same steps with the replies that this server gave."""
    played = []
    for step in steps:
        for address, tags, arguments in step.get("send", ()):
            client.send(address, *arguments, tags=tags)
        for datagram in step.get("datagrams", ()):
            client.send_datagram(bytes.fromhex(datagram))
        replies = [[m.address, m.tags, list(m.arguments)] for m in settle(client)]
        played.append({**step, "replies": replies})
    return played


def settle_by_silence(quiet: float, limit: float = 60.0) -> Settle:
    """Wait until ``quiet`` seconds bring no reply and no generation is open: fits any server."""

    def settle(client: Client) -> list[Message]:
        replies: list[Message] = []
        while True:
            try:
                replies.append(client.receive(limit if is_generating(replies) else quiet))
            except TimeoutError:
                return replies

    return settle


def is_generating(replies: list[Message]) -> bool:
    states = [m.arguments[0] for m in replies if m.address == "/midigpt/status"]
    return states.count("generating") > states.count("ready")
