"""Bad input: error 4 or a count of undecodable datagrams, and the session goes on."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from musician import Musician, codes, opened_bars

from midigpt_server.protocol import osc
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.server import Server
from midigpt_server.transports import gate

NAN, INF = float("nan"), float("inf")


# the kinds of input that MIDI-GPT 0.4.2 does not answer at all
@pytest.mark.parametrize(
    ("name", "tags", "arguments"),
    [
        ("track/create", "iisi", (5, 0, "melodic", 0)),
        ("track/create", "iiii"[:3] + "s", (5, 0, 10, "x")),
        ("note", "isiffi", (0, "C4", 80, 0.0, 0.25, 0)),
        ("param/set", "ss", ("temperature", "hot")),
        ("param/set", "ss", ("top_k", "many")),
        ("note", "iiiffi", (0, 60, 80, NAN, 0.25, 0)),
        ("note", "iiiffi", (0, 60, 80, INF, 0.25, 0)),
        ("note", "iiiffi", (0, 60, 80, 0.0, NAN, 0)),
        ("note", "iiiffi", (0, 60, 80, 0.0, INF, 0)),
        ("bar/end", "iii", (0, 4, 0)),
        ("bar/end", "iii", (0, 0, 4)),
        ("bar/end", "iii", (-1, 4, 4)),
        ("bar/end", "fff", (NAN, 4.0, 4.0)),
        ("bar/end", "iNi", (0, None, 4)),
        ("track/remove", "b", (b"abc",)),
        ("track/remove", "N", (None,)),
        ("attr/set", "sf", ("max_polyphony", NAN)),
        ("session/init", "sb", ("x", b"abc")),
    ],
)
def test_error_4(musician: Musician, name: str, tags: str, arguments: tuple) -> None:
    musician.begin(buffer_bars=2)
    assert codes(musician.ask(name, *arguments, tags=tags)) == [4]
    assert opened_bars(musician.play(0)) == [2], "the session goes on"


def test_track_parameter_before_init(musician: Musician) -> None:
    assert codes(musician.ask("track/param/set", 0, "ignore", 1)) == [1]


@pytest.mark.parametrize("field", ["pitch", "velocity", "onset", "duration", "bar_index"])
@pytest.mark.parametrize("side", ["below", "above"])
def test_D21_ranges_of_a_note(musician: Musician, field: str, side: str) -> None:
    good = {"pitch": 60, "velocity": 80, "onset": 0.5, "duration": 0.5, "bar_index": 0}
    bad = {
        "pitch": (-1, 128),
        "velocity": (-1, 128),
        "onset": (-0.001, 1.001),
        "duration": (-1.0, 64.1),
        "bar_index": (-1, 100_000),
    }
    musician.begin()
    assert musician.ask("note", 0, *good.values(), tags="iiiffi") == []
    arguments = {**good, field: bad[field][side == "above"]}
    replies = musician.ask("note", 0, *arguments.values(), tags="iiiffi")
    assert codes(replies) == [4]
    assert field in replies[0].arguments[1]


def test_D21_huge_bar_index(musician: Musician) -> None:
    musician.begin()
    assert codes(musician.ask("bar/end", 200_000, 4, 4)) == [4]
    assert musician.state()["playhead"] == 0


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"/",
        b"/midigpt/note",
        b"no slash\0\0\0\0",
        b"/midigpt/note\0\0\0,iiiffi\0" + b"\0\0\0\1" * 3,
        b"/midigpt/note\0\0\0iiiffi\0\0",
        b"#bundle\0",
        b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xff",
        b"/midigpt/note\0\0\0,[[[[\0\0\0",
        b"/\xff\xfe\0",
        b"/midigpt/[\0\0",
        b"/midigpt/{a\0,\0\0\0",
    ],
    ids=repr,
)
def test_undecodable_datagrams_are_counted(
    musician: Musician, server: Server, datagram: bytes
) -> None:
    musician.begin()
    musician.client.send_datagram(datagram)
    assert codes(musician.replies()) in ([], [4])
    counters = server.counters
    assert counters["undecodable"] + counters["unknown_address"] + counters["error_4"] == 1
    assert musician.state()["state"] == "RUNNING"


def test_1000_random_datagrams(
    musician: Musician, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "FAULT_COST", 0.0)  # the error budget would keep most of them out
    musician.begin(buffer_bars=2)
    rng = random.Random(20240229)
    ends = ("/midigpt/session/init", "/midigpt/session/start", "/midigpt/session/stop")
    known = [osc.encode(a, (0, 60, 80, 0.5, 0.5, 0)) for a in INBOUND if a not in ends]
    for index in range(1000):
        datagram = bytearray(rng.randbytes(rng.randrange(1, 200)))
        if index % 2:  # damage a good one, but for the addresses that end the session
            datagram = bytearray(rng.choice(known))
            for _ in range(rng.randrange(1, 6)):
                datagram[rng.randrange(16, len(datagram))] = rng.randrange(256)
        musician.client.send_datagram(bytes(datagram))
        if index % 50 == 49:
            musician.ping(str(index))
    musician.replies()
    assert server.counters["internal_errors"] == 0
    assert server.counters["received"] >= 1000
    if musician.state()["state"] == "RUNNING":
        playhead = musician.state()["playhead"]
        assert musician.play(playhead)
    musician.begin(buffer_bars=2)
    assert opened_bars(musician.play(0)) == [2]


_scalars = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("f"), st.floats(width=32)),
    st.tuples(st.just("d"), st.floats()),
    st.tuples(st.just("s"), st.text(st.characters(codec="ascii", exclude_characters="\0"))),
    st.tuples(st.just("b"), st.binary(min_size=1, max_size=8)),
    st.tuples(st.sampled_from("TFN"), st.none()),
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    address=st.sampled_from([a for a in INBOUND if "ping" not in a]),
    typed=st.lists(_scalars, max_size=7),
)
def test_typed_arguments(
    musician: Musician, server: Server, address: str, typed: list[tuple[str, Any]]
) -> None:
    if address == "/midigpt/session/init":
        typed = typed[:1]  # the second argument would send the replies to another port
    values = {"T": True, "F": False, "N": None}
    tags = "".join(tag for tag, _ in typed)
    arguments = [values.get(tag, value) for tag, value in typed]
    musician.client.send(address, *arguments, tags=tags)
    replies = musician.replies()
    assert set(codes(replies)) <= {1, 2, 3, 4, 6, 7, 8, 9}
    assert len(codes(replies)) <= 1
    assert server.counters["internal_errors"] == 0
    assert server.counters["undecodable"] == 0


def test_a_nan_in_every_number(musician: Musician) -> None:
    musician.begin()
    for row in INBOUND.values():
        for index, field in enumerate(row.fields):
            if field.kind in ("int", "float", "bool"):
                good = {"int": 0, "float": 0.0, "bool": 0, "string": "x", "any": 0}
                arguments: list[Any] = [good[f.kind] for f in row.fields]
                arguments[index] = struct.unpack(">f", b"\x7f\xc0\0\0")[0]
                replies = musician.ask(row.address.removeprefix("/midigpt/"), *arguments)
                assert codes(replies) in ([4], [1]), row.address
