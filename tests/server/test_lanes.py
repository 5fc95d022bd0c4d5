"""Sockets of their own for clients: one's flood does not cost another a datagram."""

from __future__ import annotations

import contextlib
import sys
from threading import Event

import pytest
from musician import Musician, opened_bars
from stand_in import StandIn

from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.transports import lanes, limits
from midigpt_server.transports.udp import UdpTransport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="lanes are for Linux")


def lanes_of(transport: UdpTransport) -> int:
    assert transport._lanes is not None
    return len(transport._lanes._lanes)


def test_a_client_keeps_its_lane_and_hears_from_the_listening_port() -> None:
    transport = UdpTransport(port=0)
    with Server(StandIn(), [transport]) as server, Client(port=server.port) as client:
        client._socket.connect(client.address)  # hears nothing from any other port
        client.send_datagram = client._socket.send  # type: ignore[method-assign]
        musician = Musician(client)
        musician.begin(buffer_bars=2)
        assert [opened_bars(musician.play(bar)) for bar in range(3)] == [[2], [3], [4]]
        assert lanes_of(transport) == 1


def test_the_port_is_still_busy_for_others() -> None:
    with Server(StandIn(), [UdpTransport(port=0)]) as server, Client(port=server.port) as client:
        Musician(client).ping()
        with pytest.raises(OSError, match="in use"):
            UdpTransport(port=server.port)


def test_garbage_gets_no_lane(server: Server) -> None:
    transport = server._transports[0]
    assert isinstance(transport, UdpTransport)
    with Client(port=server.port) as vandal, Client(port=server.port) as client:
        vandal.send_datagram(b"\xff\xff")
        Musician(client).ping("one")
        Musician(client).ping("two")  # the lane is opened after the first answer
        assert lanes_of(transport) == 1


def test_without_a_lane_clients_are_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_LANES", 1)
    transport = UdpTransport(port=0)
    with (
        Server(StandIn(), [transport]) as server,
        Client(port=server.port) as one,
        Client(port=server.port) as two,
    ):
        for client in (one, two):
            Musician(client).begin(buffer_bars=2)
        for client in (one, two):
            assert opened_bars(Musician(client).play(0)) == [2]
        assert lanes_of(transport) == 1
        monkeypatch.setattr(lanes, "IDLE_SECONDS", 0.0)
        Musician(two).ping("one")
        Musician(two).ping("two")
        assert lanes_of(transport) == 1
        for client in (one, two):
            assert opened_bars(Musician(client).play(1)) == [3]


def test_a_flood_in_one_lane_costs_the_other_nothing(server: Server, musician: Musician) -> None:
    """While the server is kept from reading, a flood and the other client's messages pile up."""
    musician.begin(buffer_bars=2)
    with Client(port=server.port) as flooder:
        Musician(flooder).ping("one")
        Musician(flooder).ping("two")
        gate_open = Event()
        server._loop.call_soon_threadsafe(gate_open.wait, 10)
        flooder._socket.setblocking(False)
        for _ in range(30_000):
            flooder.send("/no/such/address", "x" * 200)
        for bar in range(50):
            musician.note(bar, 60)
            musician.end(bar)
        gate_open.set()
        musician.replies()
        assert musician.state()["playhead"] == 50
        assert server.counters["error_4"] == 0


def test_nothing_is_read_of_a_client_that_is_over_its_limit_until_it_has_calmed_down(
    server: Server, musician: Musician, monkeypatch: pytest.MonkeyPatch
) -> None:
    musician.begin(buffer_bars=2)
    monkeypatch.setattr(limits, "MESSAGES_PER_SECOND", 50.0)
    monkeypatch.setattr(limits, "BURST", 200.0)
    with Client(port=server.port) as flooder:
        flooder._socket.setblocking(False)
        for _ in range(20_000):
            flooder.send("/no/such/address")
        assert opened_bars(musician.play(0)) == [2]
        handled = server.counters["received"] - server.counters["over_limit"]
        assert handled < 10_000
        flooder._socket.setblocking(True)
        said: list[Message] = []
        while not said:  # what came too fast is gone, not waiting
            flooder.send("/midigpt/ping", "calm")
            with contextlib.suppress(TimeoutError):
                said = flooder.receive_until(lambda m: m.address == "/midigpt/pong", 0.2)
        assert server.counters["over_limit"] > 0
