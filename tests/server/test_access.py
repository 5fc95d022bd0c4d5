"""The token: other machines must bring it, nobody else sees it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import pytest
from musician import addresses, codes
from stand_in import model_info

from midigpt_server.access import MAX_ADMITTED, is_loopback
from midigpt_server.commands import serve
from midigpt_server.conductor import Conductor
from midigpt_server.protocol.osc import Message
from midigpt_server.session.observer import SessionObserver
from midigpt_server.timing.clock import OfflineClock


@dataclass
class Somebody:
    """A peer of some machine; keeps what it hears."""

    host: str
    port: int = 5000
    heard: list[Message] = field(default_factory=list)

    @property
    def key(self) -> Hashable:
        return self.host, self.port

    def send(self, messages: Sequence[Message]) -> None:
        self.heard += messages

    def on_port(self, port: int) -> Somebody:
        return self


def conductor(token: str | None) -> Conductor:
    return Conductor(model_info("ghost"), lambda job: None, OfflineClock(), token=token)


def ask(server: Conductor, peer: Somebody, name: str, *arguments: object) -> list[Message]:
    peer.heard.clear()
    server.receive([Message(f"/midigpt/{name}", arguments)], peer)
    return peer.heard


def test_another_machine_needs_the_token() -> None:
    server, guest = conductor("open sesame"), Somebody("192.168.1.5")
    assert codes(ask(server, guest, "session/init", "x")) == [11]
    assert codes(ask(server, guest, "session/init", "x", 0, "", "wrong")) == [11]
    assert codes(ask(server, guest, "sessions/query")) == [11]
    assert addresses(ask(server, guest, "ping", "?")) == ["pong"]
    assert ask(server, guest, "session/init", "x", 0, "", "open sesame")[-1].address.endswith(
        "/ready"
    )
    assert codes(ask(server, guest, "track/create", 0, 0, 10, 0)) == []
    other_port = Somebody("192.168.1.5", 5001)
    assert codes(ask(server, other_port, "track/create", 1, 0, 10, 0)) == [11]
    assert ask(server, other_port, "token", "open sesame") == []
    assert addresses(ask(server, other_port, "sessions/query")) == ["sessions"]


def test_a_refused_machine_has_no_session_and_no_place() -> None:
    server = conductor("open sesame")
    for number in range(200):
        ask(server, Somebody("192.168.1.5", number), "session/init", "x")
    home = Somebody("127.0.0.1")
    assert '"sessions": []' in ask(server, home, "sessions/query")[0].arguments[0]


def test_this_machine_needs_none_and_no_server_without_one_asks() -> None:
    assert codes(ask(conductor("open sesame"), Somebody("127.0.0.1"), "session/init")) == []
    assert codes(ask(conductor(None), Somebody("192.168.1.5"), "session/init")) == []


def test_nobody_sees_the_token(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Message] = []

    class Recorder(SessionObserver):
        def on_inbound(self, session_id: str, message: Message, now: float) -> None:
            heard.append(message)

    server, guest, watcher = conductor("open sesame"), Somebody("10.0.0.2"), Somebody("::1")
    server.observers.append(Recorder())
    ask(server, guest, "session/init", "x", 0, "stage", "open sesame")
    ask(server, watcher, "session/watch", "stage")
    with caplog.at_level(logging.DEBUG):
        ask(server, guest, "session/init", "x", 0, "stage", "open sesame")
        ask(server, guest, "token", "open sesame")
    assert [message.address for message in heard] == ["/midigpt/session/init"] * 2
    assert "session/mirror" in addresses(watcher.heard)
    assert "sesame" not in repr(heard) + repr(watcher.heard) + caplog.text


def test_memory_for_admitted_machines_is_bounded() -> None:
    server = conductor("t")
    for port in range(MAX_ADMITTED + 10):
        ask(server, Somebody("10.0.0.2", port), "token", "t")
    assert len(server._access._admitted) == MAX_ADMITTED


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.5", "::", "example.org", "")))


def test_other_hosts_want_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--host", "0.0.0.0", "--port", "0", "--ckpt", "does not exist"]) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and "--token" in text
    assert serve.main(["--host", "0.0.0.0", "--token", "x", "--port", "0", "--ckpt", "none"]) == 1
    assert "--token" not in capsys.readouterr().err
