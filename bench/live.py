"""``python -m bench live``: does every bar come in time? A client plays real music in real time.

ISR is the share of the notes due that arrived before their onset; a missing bar counts all its
notes (as many as the bars have on average). With lead 0 a note may come as late as the first one.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.runner import ROOT, Result, Runner
from bench.shapes import checkpoint
from midigpt.inference.pretrained import bundled_llama
from midigpt_server.client import Client

CLIENT = ROOT / "bench/workers/live_client.py"
MIDI = ROOT / "tests/data/midi/wrought_havoc.mid"
FOUR, THREE, SEVEN = (4, 4), (3, 4), (7, 8)
MEMORY_SECONDS = 0.5  # between two looks at the server's memory
#: twelve notes a bar for models of random weights, which would write more
TWELVE = {"density_hard_limit": 12, "mask_mode": "attention_skip"}


@dataclass
class Setting:
    """One row of the table."""

    name: str
    sessions: int = 1
    bpm: float = 120
    meters: list[tuple[int, int]] = field(default_factory=lambda: [FOUR])
    parameters: dict[str, Any] = field(default_factory=dict)
    shape: str | None = None  # random weights; None: the bundled model
    llama: str = ""  # folder of a Llama that the agent plays with; empty: the model above
    bars: int = 200
    bars_per_meter: int = 8
    tracks: int = 4
    tempo: bool = True
    told: str = "release"  # when the client tells a note; "onset": see workers/live_client.py
    slack: float = 0.0
    peer: bool = False  # MIDI-GPT 0.4.2 instead of ours
    port: int = 0
    midi: str = str(MIDI)


def settings() -> list[Setting]:
    live = {"fallback": "repeat", "max_attempts": 1}
    next_bar = {**live, "lookahead_bars": 0, "streaming": 1}
    rows = [
        Setting(f"lookahead 1, {bpm} BPM", sessions, bpm, parameters=live)
        for bpm, sessions in ((120, 1), (120, 4), (120, 8), (180, 4), (240, 8))
    ]
    rows.append(
        Setting("lookahead 1, meters change", 4, 120, [FOUR, THREE, SEVEN], parameters=live)
    )
    rows += [
        Setting("lookahead 0, lead 1 beat", n, parameters={**next_bar, "lead_beats": 1})
        for n in (1, 4)
    ]
    at_once = {**next_bar, "lead_beats": 0}
    rows += [
        Setting(
            f"lookahead 0, lead 0, told at {told}", n, parameters=at_once, told=told, slack=slack
        )
        for told in ("onset", "release")
        for n, slack in ((1, 0.03), (8, 0.1))
    ]
    rows.append(Setting("timetags", 1, parameters={**live, "timetags": 1, "streaming": 1}))
    twelve = {**live, **TWELVE}
    rows += [Setting("random weights, lookahead 1", 1, parameters=twelve, shape="87M", bars=48)]
    rows += [
        Setting("overload: random weights", 8, 240, parameters=twelve, shape="87M", bars=48),
    ]
    old = {**TWELVE, "max_attempts": 1}  # what both servers know
    rows += [
        Setting(
            f"beside 0.4.2, lookahead 1, {shape}",
            parameters=old,
            shape=shape,
            bars=20,
            tempo=False,
            peer=peer,
        )
        for shape in ("5.6M", "21M", "87M")
        for peer in (False, True)
    ]
    if (llama := bundled_llama(None)) is not None:
        rows += [
            Setting("Llama, lookahead 1", parameters=live, llama=str(llama), bars=64),
            Setting("Llama, lead 1 beat", parameters=next_bar, llama=str(llama), bars=64),
        ]
    return rows


def run(setting: Setting, runner: Runner) -> dict[str, Any]:
    """One row, measured."""
    with _server(setting, runner) as (port, pid):
        setting.port = port
        client = subprocess.Popen(
            [sys.executable, str(CLIENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert client.stdin is not None
        client.stdin.write(json.dumps(asdict(setting)))
        client.stdin.close()
        client.stdin = None
        memory = [_memory(pid)]
        while client.poll() is None:
            time.sleep(MEMORY_SECONDS)
            memory.append(_memory(pid))
        out, problems = client.communicate()
    if client.returncode:
        raise SystemExit(problems)
    third = len(memory) // 3
    grown = max(memory[2 * third :]) - max(memory[third : 2 * third] or memory)
    return {**_row(setting, json.loads(out)), "MB, last third over the one before": grown}


def _row(setting: Setting, results: list[dict[str, Any]]) -> dict[str, Any]:
    def total(name: str) -> float:
        return float(sum(result[name] for result in results))

    firsts = sorted(1e3 * s for result in results for s in result["first_note"])
    dates = sorted(1e3 * s for result in results for s in result["date_errors"])
    return {
        "setting": setting.name,
        "server": "MIDI-GPT 0.4.2" if setting.peer else "ours",
        "model": setting.shape or "bundled",
        "BPM": setting.bpm,
        "sessions": setting.sessions,
        "bars due": int(total("bars")),
        "notes a bar": total("notes") / max(1.0, total("bars")),
        "ISR": total("notes_in_time") / max(1.0, total("notes")),
        "bars in time": total("bars_in_time") / max(1.0, total("bars")),
        "missing": int(total("missing")),
        "fallbacks": int(total("fallbacks")),
        "late": int(total("late")),
        "notes dropped": int(total("dropped")),
        "errors": int(total("errors")),
        "first note p95, ms": _quantile(firsts, 0.95),
        "date error p99, ms": _quantile(dates, 0.99) if dates else "",
    }


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


@contextmanager
def _server(setting: Setting, runner: Runner) -> Iterator[tuple[int, int]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "midigpt_server.commands.serve", "--seed", "1"]
    if setting.peer:
        command = [str(runner.midigpt("midigpt-server")), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--log_level", "ERROR"]
    if setting.llama:
        command += ["--llama", setting.llama]
    if setting.shape:
        command += ["--ckpt", str(checkpoint(setting.shape, runner.options.folder))]
    journal = tempfile.TemporaryDirectory()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MIDIGPT_DATA": journal.name},
    )
    try:
        with Client(port=port) as client:
            for _ in range(240):
                client.send("/midigpt/session/init", "bench")
                try:
                    client.wait_for("/midigpt/session/ready", timeout=0.5)
                    break
                except (TimeoutError, ConnectionError):
                    time.sleep(0.1)
            client.send("/midigpt/session/stop")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()
        journal.cleanup()


def _memory(pid: int) -> float:
    """Resident megabytes, where /proc tells them."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def live(runner: Runner) -> list[Result]:
    """The settings that were asked for, one after the other."""
    chosen = settings()
    options = runner.options
    if options.only:
        chosen = [s for s in chosen if options.only in f"{s.name}, {s.sessions} {s.bpm:g}"]
    for setting in chosen:
        setting.bars = min(setting.bars, options.bars or setting.bars)
    if runner.midigpt("midigpt-server") is None:
        chosen = [setting for setting in chosen if not setting.peer]
    found = []
    for setting in chosen:
        row = run(setting, runner)
        print(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}, file=sys.stderr
        )
        found.append(row)
    return found
