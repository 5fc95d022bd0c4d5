"""kill -9 of the server in mid-bar: what was acknowledged is there, and the music goes on."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from musician import Musician, named
from process import ServerProcess

from midigpt.cli import main
from midigpt_server.client import Client
from midigpt_server.journal.store import Store
from midigpt_server.protocol.osc import Message

PATIENCE = 60.0


def begin(musician: Musician, session_id: str) -> None:
    musician.send("session/init", "song", 0, session_id)
    musician.send("track/create", 0, 0, 10, 0)
    musician.send("track/create", 1, 32, 10, 1)
    musician.send("param/set", "buffer_bars", 2)
    musician.send("param/set", "sampling_seed", 7)
    musician.send("session/start")
    musician.client.wait_for("/midigpt/session/started")


def play(musician: Musician, bar: int) -> list[Message]:
    """A bar, and what comes until it is saved and answered."""
    for beat in range(4):
        musician.note(bar, 60 + (bar + beat) % 24, beat / 4)
    musician.end(bar)
    missing = {("session/saved", bar + 1), ("status", "ready")}

    def done(message: Message) -> bool:
        missing.discard((message.address.removeprefix("/midigpt/"), *message.arguments[:1]))
        return not missing

    return musician.client.receive_until(done, PATIENCE)


def resume(musician: Musician, session_id: str) -> dict:
    musician.send("session/resume", session_id)
    snapshot = musician.client.wait_for("/midigpt/session/snapshot", timeout=PATIENCE)
    musician.client.wait_for("/midigpt/session/resumed", session_id)
    return json.loads(snapshot.arguments[0])


def notes_of(snapshot: dict, track_id: int) -> dict[int, list]:
    (track,) = (t for t in snapshot["tracks"] if t["track_id"] == track_id)
    return {int(bar): notes for bar, notes in track["bars"].items()}


def rounded(notes: list[tuple]) -> list[list]:
    return [[p, v, round(onset, 4), round(duration, 4)] for _, _, p, v, onset, duration in notes]


@pytest.mark.parametrize("crashes", [2, pytest.param(12, marks=pytest.mark.nightly)])
def test_nothing_that_was_acknowledged_is_lost(
    crashes: int, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(crashes)
    with ServerProcess(checkpoint, tmp_path) as server, Client(port=server.port) as client:
        musician = Musician(client)
        begin(musician, "stage")
        bar, saved = 0, 0
        answers: dict[int, list[list]] = {}
        for _ in range(crashes):
            for _ in range(rng.randrange(2, 6)):
                for _, first, *_ in named(replies := play(musician, bar), "generated/open"):
                    notes = [n for n in named(replies, "generated/note") if n[1] == first]
                    answers[first] = rounded(notes)
                bar = saved = bar + 1
            musician.note(bar, 100, 0.0)  # the crash comes in mid-bar, the model is at work
            musician.end(bar)
            server.kill()
            server.start()
            snapshot = resume(musician, "stage")
            # the bar of the crash may be saved or not; all before it is
            assert saved <= snapshot["playhead"] <= saved + 1
            heard, played = notes_of(snapshot, 0), notes_of(snapshot, 1)
            for known in range(max(0, saved - 6), saved):
                pitches = [note[0] for note in heard[known] if note[0] != 100]
                assert pitches == [60 + (known + beat) % 24 for beat in range(4)]
            for known in range(max(2, saved - 6), saved):  # its answers, but for the very last
                assert played[known] == answers[known]
            bar = saved = snapshot["playhead"]
            if bar + 1 not in played:  # the model was at work: it begins anew, unasked
                replies = client.receive_until(lambda m: m.arguments == ("ready",), PATIENCE)
                assert named(replies, "generated/close") == [(1, bar + 1)]
                answers[bar + 1] = rounded(named(replies, "generated/note"))
        assert [m for m in play(musician, bar) if m.address == "/midigpt/generated/close"]
        server.stop()
    (take,) = Store(tmp_path / "sessions.sqlite3").takes()
    assert take.bars == bar + 1, "one take, from the first bar to the last"
    journal = str(tmp_path / "sessions.sqlite3")
    output = str(tmp_path / "take.mid")
    assert main(["sessions", "export", "stage", "-o", output, "--journal", journal]) == 0
    assert f"{bar + 1} bars" in capsys.readouterr().out


def test_a_killed_and_restarted_client_goes_on_and_others_do_not_notice(
    checkpoint: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from musician import Musician; from test_crash import begin, play\n"
        "from midigpt_server.client import Client\n"
        "musician = Musician(Client(port=int(sys.argv[1])))\n"
        "begin(musician, 'fragile')\n"
        "for bar in range(1000): play(musician, bar); print(bar, flush=True)\n"
    )
    here = Path(__file__).parent
    with ServerProcess(checkpoint, tmp_path) as server, Client(port=server.port) as client:
        steady = Musician(client)
        begin(steady, "steady")
        command = [sys.executable, "-c", script, str(server.port), str(here), str(here.parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fragile:
            assert fragile.stdout is not None
            for bar in range(4):
                assert fragile.stdout.readline().strip() == str(bar)
                assert named(play(steady, bar), "generated/close") == [(1, bar + 2)]
            fragile.send_signal(signal.SIGKILL)
        with Client(port=server.port) as again:
            musician = Musician(again)
            snapshot = resume(musician, "fragile")
            assert snapshot["playhead"] >= 4
            first = snapshot["playhead"]
            answered = []
            for bar in range(first, first + 4):
                answered += named(play(musician, bar), "generated/close")
                steady_bar = steady.state()["playhead"]
                assert named(play(steady, steady_bar), "generated/close") == [(1, steady_bar + 2)]
            assert {(1, bar + 2) for bar in range(first, first + 3)} <= set(answered)


def test_a_disk_that_fills_up(checkpoint: Path, tmp_path: Path) -> None:
    """The file may not grow beyond 200 kB: it is said once, and the music goes on."""
    with (
        ServerProcess(checkpoint, tmp_path, largest_file=200_000) as server,
        Client(port=server.port) as client,
    ):
        musician = Musician(client)
        begin(musician, "stage")
        warnings: list[tuple] = []
        bar = 0
        while not warnings and bar < 1000:
            for pitch in range(100):
                musician.note(bar, pitch, 0.5)
            musician.end(bar)
            replies = client.receive_until(lambda m: m.arguments == ("ready",), PATIENCE)
            warnings, bar = named(replies, "warning"), bar + 1
        assert [topic for topic, _ in warnings] == ["journal"]
        for later in range(bar, bar + 4):
            musician.end(later)
            replies = client.receive_until(lambda m: m.arguments == ("ready",), PATIENCE)
            assert named(replies, "generated/close") and not named(replies, "warning")
        server.stop()
    assert sum("the journal" in line and "fails" in line for line in server.log) == 1
