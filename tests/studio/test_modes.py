"""The ways to run it: eventlet as web server, a bridge to another server, the command line."""

from __future__ import annotations

import re
import subprocess
import sys
import threading

import pytest
import socketio

from midigpt_server.access import is_loopback
from midigpt_server.client import Client
from midigpt_studio import address
from midigpt_studio.bridge import parse_address
from midigpt_studio.cli import main
from midigpt_studio.studio import Studio


class Talker:
    """A browser without a page."""

    def __init__(self, url: str) -> None:
        self.received: list[list] = []
        self._came = threading.Condition()
        self._client = socketio.Client(reconnection=False)
        self._client.on("osc", self._on_osc)
        self._client.connect(url, transports=["websocket"])

    def send(self, *message: object) -> None:
        self._client.emit("osc", list(message))

    def wait_for(self, start: str, timeout: float = 10.0) -> list:
        with self._came:
            assert self._came.wait_for(
                lambda: any(m[0] == start for m in self.received), timeout
            ), f"{start} did not come: {self.received}"
            return next(m for m in self.received if m[0] == start)

    def close(self) -> None:
        self._client.disconnect()

    def _on_osc(self, batch: list) -> None:
        with self._came:
            self.received += batch
            self._came.notify_all()


def play_two_bars(talker: Talker) -> None:
    talker.send("/midigpt/session/init", "test")
    talker.wait_for("/midigpt/session/ready")
    talker.send("/midigpt/track/create", 0, 0, 10, 0)
    talker.send("/midigpt/track/create", 1, 33, 10, 1)
    talker.send("/midigpt/param/set", "buffer_bars", 2)
    talker.send("/midigpt/session/start")
    talker.wait_for("/midigpt/session/started")
    for bar in range(2):
        talker.send("/midigpt/note", 0, 60, 90, 0.0, 0.5, bar)
        talker.send("/midigpt/bar/end", bar, 4, 4)
    close = talker.wait_for("/midigpt/generated/close", timeout=30)
    assert close[1:] == [1, 2]


def test_malformed_messages_are_answered_and_change_nothing(studio: Studio):
    talker = Talker(studio.url)
    for junk in (
        "text",
        [],
        [1],
        ["no slash"],
        ["/midigpt/note", {"a": 1}],
        ["/x", None],
        {"a": 1},
    ):
        talker.received.clear()
        talker._client.emit("osc", junk)
        assert talker.wait_for("/midigpt/error")[1] == 4
    talker.send("/midigpt/ping", "still there")
    assert talker.wait_for("/midigpt/pong")[1] == "still there"
    talker.close()


def test_messages_of_a_browser_never_overtake_one_another(studio: Studio):
    talker = Talker(studio.url)
    for number in range(300):
        talker.send("/midigpt/ping", str(number))
    with talker._came:
        assert talker._came.wait_for(lambda: len(talker.received) >= 300, 20)
    assert [message[1] for message in talker.received] == [str(n) for n in range(300)]
    talker.close()


def test_a_bridge_plays_on_another_server(studio: Studio):
    bridge = Studio(connect=("127.0.0.1", studio.osc_address[1]), port=0)
    thread = threading.Thread(target=bridge.serve, daemon=True)
    thread.start()
    talker = Talker(bridge.url)
    play_two_bars(talker)
    session = talker.wait_for("/midigpt/session/id")[1]
    with Client(port=studio.osc_address[1]) as client:  # it is the other server's session
        client.send("/midigpt/session/watch", session)
        client.wait_for("/midigpt/session/snapshot")
    talker.close()
    bridge.close()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_eventlet_plays_while_the_engine_works_in_threads():
    pytest.importorskip("eventlet")
    command = [sys.executable, "-m", "midigpt_studio.cli", "--async-mode", "eventlet"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--osc-port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = re.search(r"http://\S+", process.stdout.readline())
        assert url
        talker = Talker(url.group())
        play_two_bars(talker)
        talker.close()
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_a_port_in_use_is_told_with_the_mend(studio: Studio, capsys: pytest.CaptureFixture[str]):
    port = str(studio.osc_address[1])
    assert main(["--osc-port", port, "--port", "0", "--no-browser"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"UDP port {port} is in use" in said and "--connect" in said


def test_a_bad_address_is_told(capsys: pytest.CaptureFixture[str]):
    assert main(["--connect", "nonsense", "--no-browser"]) == 1
    assert "HOST:PORT" in capsys.readouterr().err
    assert parse_address("7400") == ("127.0.0.1", 7400)
    assert parse_address("127.0.0.1:7401") == ("127.0.0.1", 7401)


def test_addresses_for_this_machine_and_for_the_network():
    assert is_loopback("127.0.0.1") and not is_loopback("0.0.0.0")
    assert address.url("127.0.0.1", 80, None) == "http://127.0.0.1:80/"
    assert "evil" not in address.names("127.0.0.1", [])
    assert "studio.local" in address.names("192.168.1.7", ["Studio.local"])
    assert "192.168.1.7" in address.names("192.168.1.7", [])
    url = address.url("192.168.1.7", 80, "abc")
    assert url == "http://192.168.1.7:80/?token=abc"
    assert address.qr_code(url).count("\n") > 10
