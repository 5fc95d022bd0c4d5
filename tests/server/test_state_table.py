"""Every message in every state: the state table of the protocol, written out."""

from __future__ import annotations

import pytest
from musician import Musician, addresses, codes

# reply in each of STATES: an error code, the last reply's address, or none
_ = None
TABLE: list[tuple[str, tuple, tuple]] = [
    ("session/init", ("x",), ("session/ready",) * 4),
    ("session/start", (), (1, "session/started", 1, 1)),
    ("session/stop", (), ("session/stopped",) * 4),
    ("track/create", (7, 0, 10, 0), (1, _, _, 1)),
    ("track/remove", (0,), (1, _, _, 1)),
    ("track/set_ignore", (0, 1), (1, _, _, 1)),
    ("note", (0, 60, 80, 0.0, 0.25, 0), (1, 1, _, 1)),
    ("bar/end", (0, 4, 4), (1, 1, "bar/buffering", 1)),
    ("param/set", ("top_k", 3), (_, _, _, _)),
    ("param/set_once", ("top_k", 3), (_, _, _, _)),
    ("param/reset", ("top_k",), (_, _, _, _)),
    ("param/reset_all", (), (_, _, _, _)),
    ("attr/set", ("max_polyphony", 3), (_, _, _, _)),
    ("attr/reset_all", (), (_, _, _, _)),
    ("track/param/set", (0, "ignore", 1), (1, _, _, _)),
    ("session/end", (), (_, _, _, _)),
    ("track", (), (_, _, _, _)),
]
STATES = ("UNINITIALIZED", "INITIALIZING", "RUNNING", "STOPPED")
CELLS = [
    (state, name, arguments, expected[column])
    for name, arguments, expected in TABLE
    for column, state in enumerate(STATES)
]


@pytest.mark.parametrize(("state", "name", "arguments", "expected"), CELLS)
def test_cell(
    musician: Musician, state: str, name: str, arguments: tuple, expected: int | str | None
) -> None:
    if state != "UNINITIALIZED":
        musician.send("session/init", "test")
        musician.send("track/create", 0, 0, 10, 0)
        musician.send("track/create", 1, 0, 10, 1)
    if state in ("RUNNING", "STOPPED"):
        musician.send("session/start")
    if state == "STOPPED":
        musician.send("session/stop")
    musician.replies()
    replies = musician.ask(name, *arguments)
    if isinstance(expected, int):
        assert codes(replies) == [expected] and len(replies) == 1
        assert musician.state()["state"] == state
    elif expected is None:
        assert replies == []
    else:
        assert addresses(replies)[-1] == expected and not codes(replies)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("session/init", "INITIALIZING"),
        ("session/start", "RUNNING"),
        ("session/stop", "STOPPED"),
    ],
)
def test_transitions(musician: Musician, name: str, after: str) -> None:
    musician.send("session/init")
    musician.send("track/create", 0, 0, 10, 0)
    musician.send("track/create", 1, 0, 10, 1)
    musician.ask(name)
    assert musician.state()["state"] == after


def test_the_state_is_tested_before_the_arguments(musician: Musician) -> None:
    assert codes(musician.ask("note")) == [1]


def test_init_begins_with_capabilities_and_ends_with_ready(musician: Musician) -> None:
    replies = musician.ask("session/init")
    assert addresses(replies) == ["capabilities", "model", "session/id", "session/ready"]


def test_a_failed_start_leaves_the_state(musician: Musician) -> None:
    musician.send("session/init")
    assert codes(musician.ask("session/start")) == [6]
    musician.send("track/create", 1, 0, 10, 1)
    assert codes(musician.ask("session/start")) == [1]
    musician.send("track/create", 0, 0, 10, 0)
    musician.send("param/set", "buffer_bars", 9)
    assert codes(musician.ask("session/start")) == [4]
    assert musician.state()["state"] == "INITIALIZING"
    musician.send("param/reset", "buffer_bars")
    assert addresses(musician.ask("session/start")) == ["session/started"]
