"""Clients that flood or send garbage: the others play on, and hear every bar."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from musician import Musician, named
from process import ServerProcess

from midigpt_server.client import Client

FLOODER = Path(__file__).parent / "flooder.py"
BUNDLED = Path(__file__).parents[3] / "models" / "ghost_live_small.safetensors"
ROUNDS, ROUND_SECONDS = 2, 25.0  # in turns: no machine is equally fast all the time
#: so long that a flood is more than what any client may send at once, which takes most of a second
KINDS = ("notes", "garbage", "bars")


def flood(port: int, seconds: float, kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(FLOODER), str(port), str(seconds), kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


class Latencies(list[float]):
    """Seconds from the ends of bars to their answers."""

    @property
    def p95(self) -> float:
        return sorted(self)[int(0.95 * len(self))]


def play_while(
    musician: Musician,
    flooding: subprocess.Popen[str] | None,
    bars: int = 0,
    latencies: list[float] | None = None,
) -> int:
    """Play until the flood is over, or so many bars; every bar must be answered. How many."""
    bar = first = musician.state()["playhead"]
    while (flooding.poll() is None) if flooding else bar < first + bars:
        for beat in range(4):
            musician.note(bar, 60 + beat, beat / 4)
        ended = time.monotonic()
        musician.end(bar)
        replies = musician.client.receive_until(lambda m: m.arguments == ("ready",), 60)
        assert named(replies, "generated/close") == [(1, bar + 2)]
        if latencies is not None:
            latencies.append(time.monotonic() - ended)
        bar += 1
    return bar - first


def stats(client: Client) -> dict[str, Any]:
    client.send("/midigpt/stats")
    return dict(json.loads(client.wait_for("/midigpt/stats").arguments[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_others_hear_every_bar_while_a_client_floods(
    kind: str, checkpoint: Path, tmp_path: Path
) -> None:
    with ServerProcess(checkpoint, tmp_path) as server, Client(port=server.port) as client:
        musician = Musician(client)
        musician.begin(buffer_bars=2)
        with flood(server.port, 2.0, kind) as flooding:
            played = play_while(musician, flooding)
            assert flooding.stdout is not None
            sent = int(flooding.stdout.read())
        assert played > 0
        counters = stats(client)["counters"]
        assert "internal_errors" not in counters
        handled = counters["received"] - counters.get("over_limit", 0)
        assert handled < sent / 2, "the flood was cut off"
        assert sent > 10_000
        assert play_while(musician, None, bars=3) == 3
        server.stop()
    assert len(server.log) < 1000, "and did not flood the log"


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_the_latency_of_others_stays_within_twice(kind: str, tmp_path: Path) -> None:
    """p95 from the end of a bar to its last note, with the bundled model: while a client floods the
    server, against while it floods somebody else, as a flooder costs the machine something too."""
    with (
        ServerProcess(BUNDLED, tmp_path) as server,
        Client(port=server.port) as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody,
    ):
        nobody.bind(("127.0.0.1", 0))
        musician = Musician(client)
        musician.begin(buffer_bars=2, sampling_seed=1, max_attempts=1)
        play_while(musician, None, bars=16)  # the window is full
        quiet, flooded = Latencies(), Latencies()
        for _ in range(ROUNDS):
            for port, latencies in ((nobody.getsockname()[1], quiet), (server.port, flooded)):
                with flood(port, ROUND_SECONDS, kind) as flooding:
                    play_while(musician, flooding, latencies=latencies)
        print(kind, f"quiet {1e3 * quiet.p95:.1f} ms, flooded {1e3 * flooded.p95:.1f} ms")
        assert len(flooded) > 50
        assert flooded.p95 <= 2 * quiet.p95
