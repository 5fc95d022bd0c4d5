"""How soon the server is there and a bar comes back, over real UDP; whether Python waits."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.runner import ROOT, Result, Runner
from midigpt_server.client import Client

CHECKPOINT = ROOT / "models" / "ghost_live_small.safetensors"
PORT = 7460
WAIT_S = 60.0
_MELODY = (60, 62, 64, 65, 67, 65, 64, 62)


def bar(runner: Runner) -> list[Result]:
    """Milliseconds from bar/end to generated/close with the bundled checkpoint."""
    times: dict[str, list[float]] = {}
    for _ in range(runner.options.rounds):
        for name, command in _servers(runner).items():
            times.setdefault(name, []).extend(_bar_times(command, runner.options.bars or 24))
    return _compared({name: statistics.median(found) * 1e3 for name, found in times.items()})


def startup(runner: Runner) -> list[Result]:
    """Milliseconds from the process's start to its first OSC reply, and its peak memory."""
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    for _ in range(runner.options.rounds + 1):  # the first round fills the system's file cache
        for name, command in _servers(runner).items():
            with _started(command) as (process, _, seconds):
                times.setdefault(name, []).append(seconds)
                peaks.setdefault(name, []).append(_peak_megabytes(process.pid))
    rows = _compared({name: statistics.median(t[1:]) * 1e3 for name, t in times.items()})
    for row in rows:
        row["peak MB"] = statistics.median(peaks[row["what"]][1:])
    return rows


def gil(runner: Runner) -> list[Result]:
    """Milliseconds that a Python thread wakes late, and a process beside it that has no GIL."""
    result = runner.run("gil", runner.options.seconds, runner.options.threads)
    rows: list[Result] = []
    for name, r in result.items():
        for who in ("thread", "process"):
            late = {f"{kind}, ms late": r[who][kind] * 1e3 for kind in ("median", "99 %", "worst")}
            row = {"while": name, "bars": r["bars"], "who": who}
            rows.append(row | late | {"over 10 ms": r[who]["over 10 ms"]})
    return rows


def _servers(runner: Runner) -> dict[str, list[str]]:
    common = ["--ckpt", str(CHECKPOINT), "--port", str(PORT), "--log_level", "ERROR"]
    found = {"ours": [sys.executable, "-m", "midigpt_server.commands.serve", *common]}
    program = runner.midigpt("midigpt-server")
    if program:
        found["MIDI-GPT 0.4.2"] = [str(program), "--host", "127.0.0.1", *common]
    return found


@contextmanager
def _started(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], Client, float]]:
    """A server that has answered once, a client of it, and how long that took."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Client(port=PORT) as client:
            while True:
                client.send("/midigpt/session/init", "bench")
                try:
                    client.receive(timeout=0.005)
                    break
                except (TimeoutError, ConnectionError):
                    if process.poll() is not None or time.perf_counter() > started + WAIT_S:
                        raise SystemExit(f"{' '.join(command)} does not answer") from None
            seconds = time.perf_counter() - started
            time.sleep(0.5)  # what it does after the reply counts towards its memory
            yield process, client, seconds
    finally:
        process.terminate()
        process.wait()


def _bar_times(command: list[str], bars: int) -> list[float]:
    """A melody of eight quavers a bar, an agent on bass; seconds of each answered bar."""
    with _started(command) as (_, client, _):
        while True:  # late replies to the greetings
            try:
                client.receive(timeout=0.3)
            except TimeoutError:
                break
        client.send("/midigpt/session/init", "bench")
        client.wait_for("/midigpt/session/ready")
        client.send("/midigpt/track/create", 0, 0, 10, 0)
        client.send("/midigpt/track/create", 1, 33, 10, 1)
        for name, value in [("max_attempts", 1), ("sampling_seed", 7)]:
            client.send("/midigpt/param/set", name, value)
        client.send("/midigpt/session/start")
        client.wait_for("/midigpt/session/started")
        times = []
        for number in range(bars):
            for place, pitch in enumerate(_MELODY):
                note = (0, pitch + number % 5, 80, place / 8, 1 / 8, number)
                client.send("/midigpt/note", *note, tags="iiiffi")
            time.sleep(0.02)
            started = time.perf_counter()
            client.send("/midigpt/bar/end", number, 4, 4)
            if number < 3:
                continue  # the buffer fills
            replies = client.receive_until(
                lambda reply: reply.address in ("/midigpt/generated/close", "/midigpt/error"),
                timeout=WAIT_S,
            )
            if replies[-1].address == "/midigpt/generated/close":
                times.append(time.perf_counter() - started)
            client.receive_until(
                lambda reply: reply.address == "/midigpt/status" and "ready" in reply.arguments,
                timeout=WAIT_S,
            )
        return times


def _compared(medians: dict[str, float]) -> list[Result]:
    return [
        {"what": name, "ms": ms, "ours is faster by": ms / medians["ours"]}
        for name, ms in medians.items()
    ]


def _peak_megabytes(pid: int) -> float:
    """Peak resident memory; of Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("peak memory is not known here")
