"""A server that says what a test wants when a bar ends, as the real one does not do at will."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import reply


def one_note(index: int, pitch: int, duration: float = 0.5) -> list[Message]:
    """A bar of agent 1 with one note, a quarter into it."""
    note = reply("generated/note", 1, index, pitch, 80, 0.25, duration)
    return [reply("generated/open", 1, index, 1), note, reply("generated/close", 1, index)]


@contextmanager
def scripted_server(script: Mapping[int, list[Message]]) -> Iterator[int]:
    """``script`` has what is said at the ends of bars; yields the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                datagram, sender = server.recvfrom(65535)
                (message,) = osc.decode(datagram)
                name = message.address.removeprefix("/midigpt/")
                answers = {
                    "session/init": [reply("session/ready")],
                    "session/start": [reply("session/started")],
                    "bar/end": script.get(message.arguments[0], []) if message.arguments else [],
                }.get(name, [])
                for answer in answers:
                    server.sendto(osc.encode(*answer[:3]), sender)
                if name == "session/stop":
                    return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
