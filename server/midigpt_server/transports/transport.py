"""What a wire must offer, and what it is offered.

A transport turns packets into messages and hands them to a receiver, each packet at once, with the
peer that sent it. Everything happens on the server's asyncio loop; a transport with threads of its
own hands over with ``loop.call_soon_threadsafe(receiver.receive, messages, peer)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Protocol

from midigpt_server.protocol.osc import Message


class Peer(Protocol):
    """Who sent a message, and the way back. Two peers with equal ``key`` are the same client."""

    @property
    def key(self) -> Hashable:
        """Identity, such as the sender's address."""

    @property
    def host(self) -> str:
        """The machine; clients without a session of their own share one with their host."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send without waiting, in order; what cannot be sent is counted and logged."""

    def on_port(self, port: int) -> Peer:
        """The same client with its replies sent to another port; itself where there is none."""


class Receiver(Protocol):
    """The one protocol class behind all transports."""

    @property
    def counters(self) -> Counter[str]:
        """What happened how often; transports add what only they see."""

    def receive(self, messages: Sequence[Message], peer: Peer) -> None:
        """Take the messages of one packet; never raises, never blocks."""


class Transport(Protocol):
    """A listening end of a wire, bound when it is made."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    async def open(self, receiver: Receiver) -> None:
        """Begin to hand messages over, on the running loop."""

    def close(self) -> None:
        """Stop listening; on the loop."""

    def __str__(self) -> str:
        """Where it listens, for the log."""
