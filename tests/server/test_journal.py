"""The journal: what is written, what comes back, and a disk that fails."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from musician import Musician, addresses, codes, named, opened_bars
from stand_in import StandIn

from midigpt_server.client import Client
from midigpt_server.journal.location import data_directory
from midigpt_server.journal.store import Entry, JournalError, Store
from midigpt_server.journal.writer import JournalWriter, Record
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.sqlite3"


def serve(path: Path, backend: StandIn | None = None) -> Server:
    return Server(backend or StandIn(), [UdpTransport(port=0)], journal=path)


@pytest.fixture
def player(path: Path) -> Iterator[Musician]:
    with serve(path) as server, Client(port=server.port) as client:
        yield Musician(client)


def begin(musician: Musician, session_id: str) -> None:
    musician.send("session/init", "my song", 0, session_id)
    musician.send("track/create", 0, 5, 10, 0)
    musician.send("track/create", 1, 32, 10, 1)
    musician.send("param/set", "buffer_bars", 2)
    musician.send("param/set", "temperature", 1.5)
    musician.send("session/start")
    musician.replies()


def resume(musician: Musician, session_id: str) -> list[Message]:
    musician.send("session/resume", session_id)
    ends = ("/midigpt/session/resumed", "/midigpt/error")
    return musician.client.receive_until(lambda m: m.address in ends)


def play_and_save(musician: Musician, bar: int) -> list[Message]:
    """Play a bar; returns the replies once it is on disk."""
    musician.note(bar, 60 + bar)
    musician.end(bar)
    saved = Message("/midigpt/session/saved", (bar + 1,), "i")
    return musician.client.receive_until(lambda m: m == saved) + musician.replies()


def test_all_that_happens_is_written_in_order(path: Path) -> None:
    with serve(path) as server, Client(port=server.port) as client:
        begin(Musician(client), "stage")
        heard = play_and_save(Musician(client), 0)
    store = Store(path)
    (take,) = store.takes()
    assert (take.session, take.name, take.bars) == ("stage", "my song", 1)
    assert (take.notes_in, take.notes_out) == (1, 2)
    entries = list(store.entries(take.take))
    inward = addresses([entry.message for entry in entries if not entry.outward])
    assert inward == [
        *("session/init", "track/create", "track/create", "param/set", "param/set"),
        *("session/start", "note", "bar/end"),
    ]
    outward = [entry.message for entry in entries if entry.outward]
    assert named(outward, "generated/note") == named(heard, "generated/note")
    assert len(named(outward, "prompt/state")) == 1
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_a_session_goes_on_after_the_server_was_restarted(path: Path) -> None:
    with serve(path) as server, Client(port=server.port) as client:
        before = Musician(client)
        begin(before, "stage")
        for bar in range(5):
            play_and_save(before, bar)
        before.send("param/set_once", "top_k", 7)
        before.send("attr/set", "max_polyphony", 3)
        state = before.state()
    backend = StandIn()
    with serve(path, backend) as server, Client(port=server.port) as client:
        after = Musician(client)
        replies = resume(after, "stage")
        assert addresses(replies) == ["session/snapshot", "session/resumed"]
        assert named(replies, "session/resumed") == [("stage", 5, "RUNNING")]
        assert after.state() == {**state, "playing": False}, "it waits for the next bar end"
        assert opened_bars(after.play(5)) == [7]
        human, agent = backend.jobs[0].tracks
        assert [[note.pitch for note in bar] for bar in human.bars[:6]] == [
            *([60], [61], [62], [63], [64], [65])
        ]
        assert [[note.pitch for note in bar] for bar in agent.bars[:7]] == [
            *([], [], [42, 42], [43, 43], [44, 44], [45, 45], [46, 46])
        ]
    (take,) = Store(path).takes()
    assert take.bars == 6, "the same take goes on"


def test_only_the_last_bars_are_read_back_but_the_playhead_is_true(path: Path) -> None:
    writer = JournalWriter(path)

    def record(name: str, *arguments: object, begins: str | None = None) -> None:
        message = Message(f"/midigpt/{name}", arguments)
        writer.write(Record("long", Entry(0.0, False, message), begins))

    record("session/init", "x", 0, "long", begins="x")
    record("track/create", 0, 0, 10, 0)
    record("track/create", 1, 0, 10, 1)
    record("session/start")
    for bar in range(1000):
        record("note", 0, 60, 80, 0.0, 0.5, bar)
        record("bar/end", bar, 4, 4)
    writer.close()
    with serve(path) as server, Client(port=server.port) as client:
        client.send("/midigpt/session/resume", "long")
        assert client.wait_for("/midigpt/session/resumed").arguments == ("long", 1000, "RUNNING")
        client.send("/midigpt/session/query")
        client.wait_for("/midigpt/session/state")


def test_resuming_a_session_that_is_there_attaches(player: Musician) -> None:
    begin(player, "stage")
    assert named(resume(player, "stage"), "session/resumed") == [("stage", 0, "RUNNING")]
    assert opened_bars(player.play(0)) == [2], "heard once, not twice"


def test_unknown_sessions_are_refused(player: Musician, musician: Musician) -> None:
    assert codes(resume(player, "nobody")) == [9]
    assert codes(resume(musician, "nobody")) == [9], "without a journal too"


@pytest.mark.parametrize("trouble", ["a folder in its place", "no database", "a later version"])
def test_a_journal_that_cannot_be_opened_is_said_once_and_the_music_goes_on(
    trouble: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    if trouble == "a folder in its place":
        path.mkdir()
    elif trouble == "no database":
        path.write_bytes(b"x" * 10_000)
    else:
        sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    with serve(path) as server, Client(port=server.port) as client:
        musician = Musician(client)
        begin(musician, "stage")
        assert [opened_bars(musician.play(bar)) for bar in range(3)] == [[2], [3], [4]]
        assert codes(resume(musician, "other")) == [9]
    assert caplog.text.count("the music goes on without it") == 1


def test_a_full_disk_is_said_once_and_the_music_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(path) as server, Client(port=server.port) as client:
        musician = Musician(client)
        begin(musician, "stage")
        play_and_save(musician, 0)

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(Store, "commit", full)
        replies, bar = musician.play(1), 1
        while not named(replies, "warning"):
            bar += 1
            replies += musician.play(bar)
        replies += musician.play(bar + 1)
        assert opened_bars(replies) == list(range(3, bar + 4))
        (warning,) = named(replies, "warning")
        assert warning[0] == "journal" and "disk is full" in warning[1]
        assert server.counters["internal_errors"] == 0


def test_a_disk_that_hangs_costs_bounded_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midigpt_server.journal.writer.MAX_QUEUED", 50)
    hangs, failures = Event(), []
    writer = JournalWriter(path, failures.append)
    writer.ask(lambda store: hangs.wait() and None)
    for _ in range(100):
        writer.write(Record("a", Entry(0.0, False, Message("/midigpt/session/start"))))
    hangs.set()
    writer.close()
    assert len(failures) == 1 and "behind" in failures[0]


def test_one_file_serves_two_servers(path: Path) -> None:
    with (
        serve(path) as one,
        serve(path) as two,
        Client(port=one.port) as a,
        Client(port=two.port) as b,
    ):
        for musician, name in ((Musician(a), "left"), (Musician(b), "right")):
            begin(musician, name)
            for bar in range(3):
                play_and_save(musician, bar)
    assert [(take.session, take.bars) for take in Store(path).takes()] == [
        *(("left", 3), ("right", 3))
    ]


def test_the_data_directory_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIDIGPT_DATA", str(tmp_path))
    assert data_directory() == tmp_path
    monkeypatch.delenv("MIDIGPT_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr("sys.platform", "linux")
    assert data_directory() == tmp_path / "share" / "midigpt-live"


def test_reading_makes_no_file(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        Store(path)
    assert not path.exists()


def test_arguments_are_json(player: Musician, path: Path) -> None:
    begin(player, "stage")
    play_and_save(player, 0)
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT arguments FROM messages").fetchall()
    assert all(isinstance(json.loads(text), list) for (text,) in rows)


def test_errors_have_one_line(path: Path) -> None:
    path.parent.mkdir()
    sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(JournalError, match="later version"):
        Store(path)
