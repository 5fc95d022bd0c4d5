"""Days of music: what a session remembers and does for a bar does not grow with its length."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import pytest
from offline import OfflinePlayer, OfflineServer

BARS = 20_000
SAMPLE = 1_000


def play(player: OfflinePlayer, first: int, bars: int) -> tuple[int, int]:
    """Play; returns the function calls made and the bytes held afterwards."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    for bar in range(first, first + bars):
        player.play(1, first=bar, bar_seconds=1.0, meter=[(4, 4), (3, 4), (7, 8)][bar // 8 % 3])
        player.forget()
        player.server.jobs.clear()
        player.server.backend.jobs.clear()
        player.server.foreseen.clear()
    sys.setprofile(None)
    gc.collect()
    return calls, tracemalloc.get_traced_memory()[0]


@pytest.mark.nightly
def test_20000_bars() -> None:
    # every tenth bar is too expensive, so fallbacks are part of it
    server = OfflineServer(cost=lambda job: 5.0 if job.target % 10 == 0 else 0.2)
    player = OfflinePlayer(server)
    tracemalloc.start()
    try:
        player.begin(agents=2, streaming=1, note_offs=1, sequence=1, lookahead_bars=0)
        player.say("tempo", 240)
        first_calls, _ = play(player, 0, SAMPLE)
        play(player, SAMPLE, 4 * SAMPLE)  # numbered messages are kept up to a limit
        _, early = play(player, 5 * SAMPLE, SAMPLE)
        play(player, 6 * SAMPLE, BARS - 7 * SAMPLE)
        last_calls, late = play(player, BARS - SAMPLE, SAMPLE)
    finally:
        tracemalloc.stop()
    assert player.state()["playhead"] == BARS
    assert last_calls == pytest.approx(first_calls, rel=0.1)
    assert late == pytest.approx(early, rel=0.1)
