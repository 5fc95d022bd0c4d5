"""A bad network between client and server: losses, doubles, disorder, stalls.

The client asks for numbered messages, and asks again for what it misses; what it says itself may be
lost, which later messages must mend.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from musician import Musician, named
from stand_in import StandIn
from udp_proxy import UdpProxy, Weather

from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.session.observer import SessionObserver
from midigpt_server.transports.udp import UdpTransport

WEATHERS = {
    "loss": Weather(loss=0.05),
    "duplicates": Weather(duplicates=0.05),
    "disorder": Weather(reordered=0.2, reorder_seconds=0.03),
    "stalls": Weather(stall=0.2, stall_every=0.6),
    "all of it": Weather(0.05, 0.05, 0.1, 0.03, 0.2, 1.0),
}
PATIENCE = 20.0


class Truth(SessionObserver):
    """What the sessions of the server heard and said."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Message]] = {}
        self.said: dict[str, list[Message]] = {}

    def on_inbound(self, session_id: str, message: Message, now: float) -> None:
        self.heard.setdefault(session_id, []).append(message)

    def on_outbound(self, session_id: str, messages: Sequence[Message], now: float) -> None:
        self.said.setdefault(session_id, []).extend(messages)


@pytest.fixture
def truth(server: Server) -> Truth:
    truth = Truth()
    server.conductor.observers.append(truth)
    return truth


@pytest.fixture
def server(backend: StandIn) -> Iterator[Server]:
    with Server(backend, [UdpTransport(port=0)]) as server:
        yield server


def insist(client: Client, name: str, *arguments: object, until: str) -> None:
    """Say something again and again until the answer comes: what a client must do over UDP."""
    for _ in range(200):
        client.send(f"/midigpt/{name}", *arguments)
        try:
            client.wait_for(f"/midigpt/{until}", timeout=0.2)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"no {until}")


def hear(client: Client, seconds: float) -> list[Message]:
    heard, end = [], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            heard.append(client.receive(left))
        except TimeoutError:
            break
    return heard


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("bars", [40, pytest.param(1000, marks=pytest.mark.nightly)])
def test_nothing_is_lost_doubled_or_stuck(
    weather: str, bars: int, server: Server, truth: Truth
) -> None:
    with (
        UdpProxy(server.port, WEATHERS[weather]) as proxy,
        Client(port=proxy.port) as client,
        Client(port=server.port) as other,
    ):
        steady = Musician(other)
        steady.begin(buffer_bars=2)
        insist(client, "session/init", "weather", 0, "weather", until="session/ready")
        for setup in (
            *(("track/create", 0, 0, 10, 0), ("track/create", 1, 32, 10, 1)),
            *(("param/set", "buffer_bars", 2), ("param/set", "note_offs", 1)),
            ("param/set", "sequence", 1),
        ):
            for _ in range(5):  # one of them will come through; the others are refused or the same
                client.send(f"/midigpt/{setup[0]}", *setup[1:])
        insist(client, "session/query", until="session/state")
        client.send("/midigpt/tempo", 600.0)  # notes last long enough to sound at the end
        insist(client, "session/start", until="session/started")
        heard: list[Message] = []
        for bar in range(bars):
            client.send("/midigpt/note", 0, 60 + bar % 12, 80, 0.0, 0.25, bar, tags="iiiffi")
            client.send("/midigpt/bar/end", bar, 4, 4)
            heard += hear(client, 0.02)
            if bar % 8 == 0:  # whatever happens to this client, others do not notice
                ended = steady.state()["playhead"]
                assert named(steady.play(ended), "generated/close") == [(1, ended + 2)]
        for _ in range(200):
            client.send("/midigpt/session/stop")
            heard += hear(client, 0.2)
            if named(heard, "session/stopped"):
                break
        heard += hear(client, 0.5)

    # every message of the server has come, once, in order, as it was sent
    numbered = [m for m in heard if m.number is not None]
    numbers = [m.number for m in numbered]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    said = [(m.address, m.arguments) for m in truth.said["weather"]]
    start = len(said) - len(numbered) - _unheard(said, numbered)
    assert [m.address for m in numbered] == [a for a, _ in said[start : start + len(numbered)]]

    # no bar that was asked for is missing, but for those that the stop cut off; a bar whose
    # request was lost, or came after a later one, was never asked for
    closed = Counter(bar for _, bar in named(numbered, "generated/close"))
    skipped = {
        bar
        for _, first, last, _ in named(numbered, "generation/skipped")
        for bar in range(first, last + 1)
    }
    asked = _asked_for(truth.heard["weather"])
    assert len(asked) > 0.6 * bars
    assert set(closed) | skipped >= {bar for bar in asked if bar <= max(closed)}

    # no note is stuck: what has begun has ended
    sounding = Counter((track, pitch) for track, _, pitch, _ in named(numbered, "play/on"))
    sounding -= Counter((track, pitch) for track, _, pitch in named(numbered, "play/off"))
    assert not +sounding
    assert server.counters["internal_errors"] == 0


def _unheard(said: list[tuple], numbered: list[Message]) -> int:
    """Messages that the server said after the last one heard: further answers to stop."""
    last = next(i for i, m in enumerate(reversed(numbered)) if m.address.endswith("stopped"))
    stops = sum(address.endswith("session/stopped") for address, _ in said)
    heard = sum(m.address.endswith("session/stopped") for m in numbered)
    return stops - heard if last == 0 else 0


def _asked_for(heard: list[Message]) -> set[int]:
    """The targets of the bar ends that brought the music forward."""
    playhead, targets = 0, set()
    for message in heard:
        if message.address.endswith("bar/end") and message.arguments[0] >= playhead:
            playhead = message.arguments[0] + 1
            targets.add(playhead + 1)
    return targets
