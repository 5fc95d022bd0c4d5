"""OSC over TCP with SLIP framing: the same protocol, and streams that break alone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from musician import Musician, named, opened_bars
from pythonosc import slip
from stand_in import StandIn

from midigpt_server.client import Client, TcpClient
from midigpt_server.protocol import osc
from midigpt_server.server import Server
from midigpt_server.transports import tcp
from midigpt_server.transports.tcp import TcpTransport
from midigpt_server.transports.udp import UdpTransport


@pytest.fixture
def both(backend: StandIn) -> Iterator[tuple[Server, TcpTransport]]:
    wire = TcpTransport(port=0)
    with Server(backend, [UdpTransport(port=0), wire]) as server:
        yield server, wire


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.01)
    return False


def test_a_session_over_tcp(both: tuple[Server, TcpTransport]) -> None:
    with TcpClient(port=both[1].port) as client:
        musician = Musician(client)
        musician.begin(buffer_bars=2)
        assert opened_bars(musician.play(0)) == [2]
        assert len(named(musician.play(1), "generated/note")) == 2


def test_packets_in_pieces_and_several_at_once(both: tuple[Server, TcpTransport]) -> None:
    pings = [osc.encode("/midigpt/ping", (text,)) for text in ("a", "b\xc0", "c" * 400)]
    stream = b"".join(map(slip.encode, pings))
    with TcpClient(port=both[1].port) as client:
        for start in range(0, len(stream), 7):
            client._socket.sendall(stream[start : start + 7])
        assert [client.receive().arguments[0] for _ in pings] == ["a", "b\xc0", "c" * 400]
        client._socket.sendall(stream)
        assert [client.receive().arguments[0] for _ in pings] == ["a", "b\xc0", "c" * 400]


def test_tcp_and_udp_clients_do_not_mix(both: tuple[Server, TcpTransport]) -> None:
    with TcpClient(port=both[1].port) as one, Client(port=both[0].port) as two:
        Musician(one).begin(buffer_bars=2)
        Musician(two).ask("session/init", "other")
        assert opened_bars(Musician(one).play(0)) == [2]
        assert Musician(two).replies() == []


@pytest.mark.parametrize("broken", [b"\xdbx\xc0", b"x" * (2 * tcp.MAX_PACKET + 1)])
def test_a_broken_stream_ends_that_client_only(
    both: tuple[Server, TcpTransport], broken: bytes
) -> None:
    server, wire = both
    with TcpClient(port=wire.port) as bad, TcpClient(port=wire.port) as good:
        Musician(good).begin(buffer_bars=2)
        bad._socket.sendall(broken)
        with pytest.raises(ConnectionError):
            bad.receive()
        assert opened_bars(Musician(good).play(0)) == [2]
    assert server.counters["broken_streams"] == 1 and server.counters["internal_errors"] == 0


def test_garbage_in_whole_packets_is_counted_and_survived(
    both: tuple[Server, TcpTransport],
) -> None:
    server, wire = both
    with TcpClient(port=wire.port) as client:
        client.send_datagram(b"no osc")
        client.send("/midigpt/ping", "still here")
        assert client.receive().arguments[0] == "still here"
    assert server.counters["undecodable"] == 1


def test_a_client_that_does_not_read_is_cut_off_and_blocks_nobody(
    both: tuple[Server, TcpTransport],
) -> None:
    server, wire = both
    with TcpClient(port=wire.port) as deaf, TcpClient(port=wire.port) as good:
        deaf._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        Musician(good).begin(buffer_bars=2)
        text = "x" * 30_000
        with pytest.raises(OSError):
            for _ in range(2_000):
                deaf.send("/midigpt/ping", text)
                Musician(good).ping()
                if server.counters["slow_clients"]:
                    time.sleep(0.01)
        assert opened_bars(Musician(good).play(0)) == [2]
    assert server.counters["slow_clients"] == 1


def test_a_client_that_leaves_takes_only_its_connection(
    both: tuple[Server, TcpTransport],
) -> None:
    server, wire = both
    with TcpClient(port=wire.port) as client:
        client.send("/midigpt/session/init", "mine", 0, "stage")
        client.wait_for("/midigpt/session/ready")
        assert len(wire.connections) == 1
    assert eventually(lambda: not wire.connections)
    with TcpClient(port=wire.port) as client:
        client.send("/midigpt/session/attach", "stage")
        client.wait_for("/midigpt/session/snapshot")
    assert server.counters["internal_errors"] == 0


def test_too_many_connections_are_refused(
    both: tuple[Server, TcpTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, wire = both
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 1)
    with TcpClient(port=wire.port) as first:
        first.send("/midigpt/ping", "1")
        first.wait_for("/midigpt/pong")
        with TcpClient(port=wire.port) as second, pytest.raises(ConnectionError):
            second.receive()
        first.send("/midigpt/ping", "2")
        first.wait_for("/midigpt/pong")
    assert server.counters["refused_connections"] == 1
