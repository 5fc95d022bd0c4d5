"""``midigpt sessions``: list, show, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from symusic import Score

from midigpt.cli import main
from midigpt_server.journal.store import Entry
from midigpt_server.journal.writer import JournalWriter, Record
from midigpt_server.protocol.osc import Message

BEGAN = 1_700_000_000.0


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A take of six bars: 120 BPM in 4/4, from bar 3 on 90 BPM in 3/4; the agent plays two."""
    monkeypatch.setenv("MIDIGPT_DATA", str(tmp_path))
    writer = JournalWriter(tmp_path / "sessions.sqlite3")

    def record(at: float, name: str, *arguments: object, out: bool = False) -> None:
        message = Message(f"/midigpt/{name}", arguments)
        begins = "my song" if name == "session/init" else None
        writer.write(Record("stage", Entry(BEGAN + at, out, message), begins))

    record(0, "session/init", "old take", 0, "stage")
    record(0, "session/init", "my song", 0, "stage")
    record(0, "track/create", 0, 5, 10, False)
    record(0, "track/create", 1, 0, 11, True)
    record(0, "param/set", "long_notes", 1)
    record(0, "session/start")
    at = 0.0
    for bar in range(6):
        beats, seconds = (4, 2.0) if bar < 3 else (3, 2.0)
        at += seconds
        record(at - 0.5, "note", 0, 60 + bar, 80, 0.5, 0.25, bar)
        record(at + 0.01 * (bar % 2), "bar/end", bar, beats, 4)
    record(at - 1, "note", 0, 48, 90, 0.25, -0.75, 5)  # held over the bar line
    for bar in (4, 5):
        record(at, "generated/open", 1, bar, 1, out=True)
        record(at, "generated/note", 1, bar, 36, 100, 2 / 3, 1.5, out=True)
        record(at, "generated/close", 1, bar, out=True)
    record(at, "generated/open", 1, 5, 0, out=True)  # dealt again: it plays nothing now
    record(at, "generated/close", 1, 5, out=True)
    writer.close()
    return tmp_path / "sessions.sqlite3"


def test_list(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list"]) == 0
    old, new = capsys.readouterr().out.splitlines()
    assert "take 1  0:00 min  0 bars  0 notes in  0 out" in old
    assert "stage  take 2  0:12 min  6 bars  7 notes in  2 out  my song" in new
    assert main(["sessions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1])["bars"] == 6


def test_show(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "show", "stage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("<- /midigpt/session/init my song 0 stage")
    assert lines[-1].endswith("-> /midigpt/generated/close 1 5")
    assert main(["sessions", "show", "stage", "--take", "1", "--json"]) == 0
    (only,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (only["direction"], only["arguments"]) == ("in", ["old take", 0, "stage"])


def test_export(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "take.mid"
    assert main(["sessions", "export", "stage", "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 6 bars\n"
    score = Score(output)
    assert [(t.name, t.program, t.is_drum) for t in score.tracks] == [
        ("human 0: Electric Piano 2", 5, False),
        ("agent 1: drums", 0, True),
    ]
    signatures = [(s.time, s.numerator, s.denominator) for s in score.time_signatures]
    assert signatures == [(0, 4, 4), (3 * 1920, 3, 4)]
    assert [t.time for t in score.tempos] == [0, 3 * 1920]
    assert [t.qpm for t in score.tempos] == pytest.approx([120, 90], rel=0.01)
    human, agent = ([(n.time, n.duration, n.pitch) for n in t.notes] for t in score.tracks)
    assert human == [
        *((bar * 1920 + 960, 480, 60 + bar) for bar in range(3)),
        (3 * 1920 + 720, 360, 63),
        (3 * 1920 + 1440 + 360, 360, 48),
        (3 * 1920 + 1440 + 720, 360, 64),
        (3 * 1920 + 2 * 1440 + 720, 360, 65),
    ]
    assert agent == [(3 * 1920 + 1440 + 960, 2160, 36)], "whole notes; bar 5 was dealt again"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "nobody"], "no session 'nobody'"),
        (["export", "stage", "--take", "7"], "--take is 7; stage has [1, 2]"),
        (["export", "stage", "--take", "1"], "no bar of this session has ended"),
        (["list", "--journal", "none.sqlite3"], "no journal at none.sqlite3"),
    ],
)
def test_errors_are_one_line(
    journal: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["sessions", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and told in error


def test_a_file_that_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"x" * 5000)
    assert main(["sessions", "list", "--journal", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
