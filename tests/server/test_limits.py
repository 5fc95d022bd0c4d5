"""Budgets of clients: floods and faults are cut off, and told of."""

from __future__ import annotations

import contextlib

import pytest
from musician import Musician, named, opened_bars

from midigpt_server.client import Client
from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.transports import limits
from midigpt_server.transports.limits import (
    AFTER_HOLD,
    BURST,
    FAULT_COST,
    MAX_CLIENTS,
    MESSAGES_PER_SECOND,
    Limits,
)


def admitted(limits: Limits, client: str, packets: int, now: float) -> int:
    return sum(limits.admits(client, now) for _ in range(packets))


def test_a_burst_then_the_rate() -> None:
    limits = Limits()
    assert admitted(limits, "a", 10_000, 0.0) == BURST
    assert admitted(limits, "a", 10_000, 1.0) == MESSAGES_PER_SECOND
    assert admitted(limits, "a", 10_000, 100.0) == BURST, "no more than a burst is saved up"
    assert admitted(limits, "b", 10, 100.0) == 10, "others have budgets of their own"


def test_faults_cost_more_and_the_debt_is_bounded() -> None:
    limits = Limits()
    faults = 0
    while limits.admits("a", 0.0):
        limits.charge("a", FAULT_COST)
        faults += 1
    assert faults == pytest.approx(BURST / (1 + FAULT_COST), abs=1)
    for _ in range(1000):
        limits.charge("a", FAULT_COST)
    assert not limits.admits("a", 0.9) and limits.admits("a", 2.1)


def test_what_was_dropped_is_reported_once_a_second() -> None:
    limits = Limits()
    admitted(limits, "a", int(BURST) + 5, 0.0)
    assert limits.to_report("a", 0.5) == 5 and limits.to_report("a", 0.6) == 0
    admitted(limits, "a", 10_000, 0.6)
    assert limits.to_report("a", 0.7) == 0 and limits.to_report("a", 1.6) > 0


def test_little_is_saved_up_while_a_flood_is_thrown_away() -> None:
    limits = Limits()
    admitted(limits, "a", 10_000, 0.0)
    limits.drop("a", 5_000, 0.8)
    assert admitted(limits, "a", 10_000, 0.8) == AFTER_HOLD
    assert admitted(limits, "a", 10_000, 1.8) == MESSAGES_PER_SECOND


def test_memory_for_clients_is_bounded() -> None:
    limits = Limits()
    for number in range(3 * MAX_CLIENTS):
        limits.admits(number, float(number))
    assert len(limits._buckets) <= MAX_CLIENTS


def test_a_flood_is_cut_off_and_told_and_others_play_on(
    server: Server, musician: Musician, monkeypatch: pytest.MonkeyPatch
) -> None:
    musician.begin(buffer_bars=2)
    monkeypatch.setattr(limits, "MESSAGES_PER_SECOND", 50.0)
    monkeypatch.setattr(limits, "BURST", 200.0)
    noise = osc.encode("/no/such/address", ("x",))
    with Client(port=server.port) as flooder:
        for bar in range(4):
            for _ in range(2_000):
                flooder.send_datagram(noise)
            assert opened_bars(musician.play(bar)) == [bar + 2]
        said: list[Message] = []
        while not said:  # told with the next packet that is admitted
            flooder.send("/midigpt/ping", "end")
            with contextlib.suppress(TimeoutError):
                said = flooder.receive_until(lambda m: m.address == "/midigpt/warning", 0.2)
        assert named(said, "warning")[0][0] == "rate"
    assert server.counters["over_limit"] > 0
    assert server.counters["internal_errors"] == 0


def test_garbage_uses_up_the_error_budget(
    server: Server, musician: Musician, monkeypatch: pytest.MonkeyPatch
) -> None:
    musician.begin(buffer_bars=2)
    monkeypatch.setattr(limits, "MESSAGES_PER_SECOND", 50.0)
    with Client(port=server.port) as vandal:
        for number in range(1_000):
            vandal.send_datagram(b"\xff" * (number % 64))
            if number % 100 == 99:
                musician.ping()
    assert server.counters["undecodable"] < 500 and server.counters["over_limit"] > 0
    assert opened_bars(musician.play(0)) == [2]
