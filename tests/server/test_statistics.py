"""Figures: the ranks, what is counted, and how they are asked for and seen."""

from __future__ import annotations

import io
import json
import logging

import numpy as np
import pytest
from musician import Musician

from midigpt.cli import main
from midigpt_server import logs
from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import error, reply
from midigpt_server.server import Server
from midigpt_server.session.observer import JobTiming
from midigpt_server.statistics import MAX_SESSIONS, REMEMBERED, Statistics, percentiles


@pytest.mark.parametrize("count", [1, 2, 19, 20, 99, 100, 1000])
def test_percentiles_are_nearest_ranks(count: int) -> None:
    seconds = np.random.default_rng(count).exponential(0.1, count)
    told = percentiles(list(seconds))
    assert told is not None
    for name, value in told.items():
        rank = np.percentile(seconds, int(name[1:]), method="inverted_cdf")
        assert value == pytest.approx(1000 * rank, abs=0.006)
    assert percentiles([]) is None


def timing(wanted: float, first: float | None, finished: float, outcome: str = "done") -> JobTiming:
    return JobTiming(1, 4, outcome, wanted, wanted + 0.01, first, finished, None, 3, 50)


def test_what_is_counted() -> None:
    statistics = Statistics()
    statistics.on_inbound("a", Message("/midigpt/session/init", ("x", 0, "")), 0.0)
    for bar in range(3):
        statistics.on_inbound("a", Message("/midigpt/bar/end", (bar, 4, 4)), 0.0)
    note = reply("generated/note", 1, 4, 60, 80, 0.0, 0.5)
    sent = [
        *(reply("prompt/state", {"target_bar": 4}), reply("generated/open", 1, 4, 3)),
        *(note, note, note, reply("generated/close", 1, 4)),
        *(reply("bar/fallback", 1, 5, "vary", "too late"), reply("generated/close", 1, 5)),
        *(reply("bar/late", 1, 5, 0.1, 1), reply("generation/skipped", 1, 6, 7, "too late")),
        error(5, "no"),
    ]
    statistics.on_outbound("a", sent, 0.0)
    statistics.on_job("a", timing(0.0, 0.03, 0.11), 0.0)
    statistics.on_job("a", timing(0.0, None, 5.0, "cancelled"), 0.0)
    figures = statistics.as_json()
    alone = figures.pop("sessions")
    assert alone == {"a": figures}
    assert figures == {
        "bars": 2,
        "notes": 3,
        "bar_ms": {"p50": 110.0, "p95": 110.0, "p99": 110.0},
        "first_note_ms": {"p50": 30.0, "p95": 30.0, "p99": 30.0},
        "isr": 0.75,
        "staleness_bars": 1.0,
        "fallbacks": 1,
        "late": 1,
        "skipped": 2,
        "failures": 1,
        "tokens_per_second": 500.0,
    }


def test_memory_is_bounded() -> None:
    statistics = Statistics()
    for number in range(2 * MAX_SESSIONS):
        statistics.on_outbound(str(number), [reply("session/started")], 0.0)
    assert len(statistics.as_json()["sessions"]) == MAX_SESSIONS
    for _ in range(2 * REMEMBERED):
        statistics.on_job("a", timing(0.0, 0.1, 0.2), 0.0)
    assert len(statistics.total.bar_seconds) == REMEMBERED
    statistics.on_closed("a", 0.0)
    assert "a" not in statistics.as_json()["sessions"]


def test_over_the_wire(server: Server, musician: Musician) -> None:
    musician.begin(buffer_bars=2)
    for bar in range(4):
        musician.play(bar)
    musician.send("stats")
    figures = json.loads(musician.client.wait_for("/midigpt/stats").arguments[0])
    assert (figures["bars"], figures["notes"], figures["isr"]) == (4, 8, 1.0)
    assert figures["staleness_bars"] == 1.0, "lookahead 1"
    assert figures["queue"] == 0 and figures["generating"] == 0
    assert figures["bar_ms"]["p50"] <= figures["bar_ms"]["p99"]
    assert [f["bars"] for f in figures["sessions"].values()] == [4]
    assert figures["counters"]["received"] > 10


def test_top(server: Server, musician: Musician, capsys: pytest.CaptureFixture[str]) -> None:
    musician.begin(buffer_bars=2)
    musician.play(0)
    assert main(["top", "--once", "--port", str(server.port)]) == 0
    head, _, columns, session, total, *_ = capsys.readouterr().out.splitlines()
    assert head.startswith("midigpt-server ") and "isr 1" in head
    assert columns.split()[:4] == ["session", "name", "state", "bar"]
    assert session.split()[1:6] == ["test", "RUNNING", "1", "1", "2"]
    assert total.split()[:3] == ["all", "1", "2"]
    assert main(["top", "--once", "--json", "--port", str(server.port)]) == 0
    assert json.loads(capsys.readouterr().out)["stats"]["bars"] == 1


def test_top_does_not_disturb_a_session(server: Server, musician: Musician) -> None:
    musician.begin(buffer_bars=2)
    assert main(["top", "--once", "--port", str(server.port)]) == 0
    assert musician.play(0), "replies still come to the player"


def test_top_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    with Client() as nobody:
        assert main(["top", "--once", "--port", str(nobody.port)]) == 2
    assert "is midigpt-server running?" in capsys.readouterr().err


def test_the_log_as_json() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.info("generation target=%d failed reason=%r seconds=%.3f", 4, "too slow", 0.5)
    try:
        raise ValueError("x\ny")
    except ValueError:
        logger.exception("oops")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["logger"]) == ("INFO", "test")
    assert first["data"] == {"target": "4", "reason": "'too slow'", "seconds": "0.500"}
    assert second["message"] == "oops" and "ValueError: x" in second["exception"]
