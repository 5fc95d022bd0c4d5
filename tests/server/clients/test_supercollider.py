"""The Quark in a real sclang: 16 bars with the bundled model, checked against the wire."""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import one_note, scripted_server
from udp_proxy import UdpProxy

from midigpt_server.protocol.outbound import reply

HERE = Path(__file__).parent
QUARK = HERE.parents[2] / "clients" / "supercollider"
FIRST_ANSWER, BARS = 4, 16


def sclang(program: str, home: Path, script: Path, *arguments: str) -> list[str]:
    """Lines printed by a script that ends itself, with the Quark in the class library."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    config = home / "sclang.yaml"
    config.write_text(f"includePaths:\n    - {QUARK}\nexcludePaths: []\npostInlineWarnings: true\n")
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(home),
    }
    run = subprocess.run(
        [program, "-D", "-l", str(config), str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env=environment,
        cwd=home,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    assert "ERROR:" not in run.stdout and "WARNING:" not in run.stdout, run.stdout[-3000:]
    return run.stdout.splitlines()


def test_sixteen_bars(find_program: Callable[[str], str], wire: UdpProxy, tmp_path: Path) -> None:
    lines = sclang(find_program("sclang"), tmp_path, HERE / "play.scd", str(wire.port))
    said = defaultdict(list)
    for line in lines:
        word, *values = line.split() or [""]
        said[word].append(values)
    assert not said["ERROR"]

    # time: 16 bar lines, the meter changes after bar 7
    assert [int(bar) for bar, _ in said["BAR"]] == list(range(BARS + 1))
    assert [float(beats) for _, beats in said["BAR"]] == [4] * 8 + [3] * 9

    # what the server heard: the pattern's chords and melody, bar by bar, with its rests left out
    sent = defaultdict(list)
    for message in wire.wire.to_server:
        sent[message.address.removeprefix("/midigpt/")].append(message.arguments)
    ends = [arguments for arguments in sent["bar/end"]]
    assert ends == [(bar, 4 if bar < 8 else 3, 4) for bar in range(BARS)]
    notes = defaultdict(set)
    for track, pitch, velocity, onset, duration, bar in sent["note"]:
        assert track == 0 and velocity == pytest.approx(0.7 * 127, abs=1)
        notes[bar].add((pitch, round(onset * 4), round(duration * 4, 3)))
    chord = {(60, 0, 0.8), (64, 0, 0.8), (67, 0, 0.8)}
    assert all(notes[bar] == chord | {(65, 2, 0.8), (67, 3, 0.8)} for bar in range(8))

    # what came back: exactly what was on the wire, and a bar for every bar due
    received = defaultdict(list)
    for message in wire.wire.to_client:
        received[message.address.removeprefix("/midigpt/")].append(message.arguments)
    closed = [bar for _, bar in received["generated/close"]]
    replaced = {
        bar
        for _, first, last, _ in received["generation/skipped"]
        for bar in range(first, last + 1)
    }
    assert set(closed) | replaced >= set(range(FIRST_ANSWER, BARS))
    on_the_wire = [a[1:] for a in received["generated/note"]]
    assert len(said["NOTE"]) == len(on_the_wire) > 0
    for values, (bar, pitch, velocity, onset, duration) in zip(
        said["NOTE"], on_the_wire, strict=True
    ):
        assert [int(v) for v in values[:3]] == [bar, pitch, velocity]
        beats = 4 if bar < 8 else 3
        assert [float(v) for v in values[3:]] == pytest.approx(
            [onset * beats, duration * beats], rel=1e-4, abs=1e-4
        )
    assert [int(bar) for bar, _ in said["CLOSE"]] == closed

    # and it sounded: every note in time, those of bars that were reached
    late, sounded = int(said["LATE"][0][0]), int(said["SOUNDED"][0][0])
    due = sum(1 for bar, *_ in on_the_wire if bar < BARS)
    assert sounded + late == due


def test_the_help_files_can_be_read(find_program: Callable[[str], str], tmp_path: Path) -> None:
    script = tmp_path / "help.scd"
    files = sorted((QUARK / "HelpSource" / "Classes").glob("*.schelp"))
    script.write_text(
        "".join(
            f'"HELP %".format(SCDoc.parseFileFull("{file}").notNil).postln;\n' for file in files
        )
        + "0.exit;\n"
    )
    lines = sclang(find_program("sclang"), tmp_path, script)
    assert [line for line in lines if line.startswith("HELP")] == ["HELP true"] * 3
    documented = "".join(file.read_text() for file in files)
    for source in (QUARK / "Classes").glob("*.sc"):
        for method in re.findall(r"^\t(\w+) \{", source.read_text(), re.MULTILINE):
            assert method.startswith(("pr", "init")) or method.rstrip("_") in documented, method


def test_what_is_flushed_or_replaced_does_not_sound(
    find_program: Callable[[str], str], tmp_path: Path
) -> None:
    """A scripted server: bar 2 flushed, bar 3 flushed by track, bar 4 sent twice."""

    script = {
        0: [*one_note(2, 52), reply("generated/flush", -1, -1)],
        1: [*one_note(3, 53), reply("generated/flush", 1, 3)],
        2: [*one_note(4, 54), reply("bar/fallback", 1, 4, "vary", "too late"), *one_note(4, 64)],
        3: one_note(5, 55),
    }
    with scripted_server(script) as port:
        lines = sclang(find_program("sclang"), tmp_path, HERE / "flush.scd", str(port))
    assert [line for line in lines if line.startswith("SOUND")] == ["SOUND 64", "SOUND 55"]
    assert [line for line in lines if line.startswith("FALLBACK")] == ["FALLBACK 1 4 vary"]
