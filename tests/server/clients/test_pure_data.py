"""The abstraction in a real Pd: 16 bars with the bundled model, checked against the wire."""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import one_note, scripted_server
from udp_proxy import UdpProxy

from midigpt_server.protocol.outbound import reply

HERE = Path(__file__).parent
ABSTRACTION = HERE.parents[2] / "clients" / "pd"
FIRST_ANSWER, BARS = 4, 16


def run_patch(program: str, patch: Path, *messages: str) -> list[str]:
    """Lines printed by a patch that ends Pd itself."""
    sent = [argument for message in messages for argument in ("-send", message)]
    headless = ["-nogui", "-noprefs", "-noaudio", "-nomidi", "-stderr", "-path", str(ABSTRACTION)]
    run = subprocess.run(
        [program, *headless, "-open", str(patch), *sent], capture_output=True, text=True, timeout=90
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "error" not in run.stderr and "couldn't create" not in run.stderr, run.stderr[-3000:]
    return run.stderr.splitlines()


def test_sixteen_bars(find_program: Callable[[str], str], wire: UdpProxy) -> None:
    said = defaultdict(list)
    for line in run_patch(find_program("pd"), HERE / "play.pd", f"test-port {wire.port}"):
        word, _, rest = line.partition(": ")
        said[word].append(rest.split())

    assert [int(bar) for (bar,) in said["line"]] == list(range(BARS + 1))

    # what the server heard: a note of 0.3 s in each bar, 0.4 s after its bar line
    sent = defaultdict(list)
    for message in wire.wire.to_server:
        sent[message.address.removeprefix("/midigpt/")].append(message.arguments)
    meters = [4] * 8 + [3] * 8
    assert sent["bar/end"] == [(bar, beats, 4) for bar, beats in enumerate(meters)]
    assert len(sent["note"]) == BARS
    for bar, (beats, note) in enumerate(zip(meters, sent["note"], strict=True)):
        seconds = beats / 4
        expected = (0, 60 + bar, 80, 0.4 / seconds, 0.3 / seconds, bar)
        assert note == pytest.approx(expected, abs=1e-3)

    # what came back is printed as it was on the wire
    received = [
        (message.address.removeprefix("/midigpt/"), *message.arguments)
        for message in wire.wire.to_client
    ]
    on_the_wire = [reply[1:] for reply in received if reply[0] == "generated/note"]
    printed = [
        tuple(map(float, words[2:]))
        for words in said["reply"]
        if words[:2] == ["generated", "note"]
    ]
    assert len(printed) == len(on_the_wire) > 0
    assert all(p == pytest.approx(w, rel=1e-4) for p, w in zip(printed, on_the_wire, strict=True))

    # a bar for every bar due
    closed = {reply[2] for reply in received if reply[0] == "generated/close"}
    skipped = {b for r in received if r[0] == "generation/skipped" for b in range(r[2], r[3] + 1)}
    assert closed | skipped >= set(range(FIRST_ANSWER, BARS))

    # it sounded: every note of the 16 bars, unless it was too late; none is left on. A note on the
    # bar line at which the patch stops may be in
    begun, ended = Counter(), Counter()
    for pitch, velocity, track in said["sound"]:
        (begun if int(velocity) else ended)[(track, pitch)] += 1
    late = sum(words[0] == "late" for words in said["reply"])
    due = [bar for _, bar, *_ in on_the_wire if bar < BARS]
    on_the_last_line = [bar for _, bar, _, _, onset, _ in on_the_wire if bar == BARS and onset == 0]
    sounded = sum(begun.values())
    assert len(due) <= sounded + late <= len(due) + len(on_the_last_line)
    assert begun == ended


def test_what_is_flushed_or_replaced_does_not_sound(find_program: Callable[[str], str]) -> None:
    """Bar 2 is flushed whole and bar 3 by track; bar 4 is sent twice and flushed as it sounds."""
    flushed_track = reply("generated/flush", 1, 3)
    script = {
        0: [*one_note(2, 52), reply("generated/flush", -1, -1)],
        1: [*one_note(3, 53), flushed_track],
        2: [*one_note(4, 54), *one_note(4, 64, duration=2.0)],
        4: [reply("generated/flush", -1, -1), *one_note(5, 55, duration=0.25)],
    }
    with scripted_server(script) as port:
        lines = run_patch(find_program("pd"), HERE / "flush.pd", f"test-port {port}")
    sounds = [line.split()[1:] for line in lines if line.startswith("sound:")]
    assert sounds == [
        [pitch, velocity, "1"] for pitch in ("64", "55") for velocity in ("80", "0")
    ], "64 lasts for two bars, but ends when it is flushed"
    told = [line.split()[1:] for line in lines if line.startswith("reply: generated")]
    assert [words[1:] for words in told if words[1] == "note"] == [
        ["note", "1", number, pitch, "80", "0.25", duration]
        for number, pitch, duration in (
            *(("2", "52", "0.5"), ("3", "53", "0.5"), ("4", "54", "0.5")),
            *(("4", "64", "2"), ("5", "55", "0.25")),
        )
    ], "all is told at the right outlet"
    assert [words for words in told if words[1] == "flush"] == [
        ["generated", "flush", track, number]
        for track, number in (("-1", "-1"), ("1", "3"), ("-1", "-1"))
    ]
