"""Days of music: what a session remembers and does for a bar does not grow with its length."""

from __future__ import annotations

import gc
import sys

import pytest
from offline import OfflinePlayer, OfflineServer

BARS = 20_000
SAMPLE = 1_000


def play(player: OfflinePlayer, first: int, bars: int) -> None:
    for bar in range(first, first + bars):
        player.play(1, first=bar, bar_seconds=1.0, meter=[(4, 4), (3, 4), (7, 8)][bar // 8 % 3])
        player.forget()
        player.server.jobs.clear()
        player.server.foreseen.clear()


def work(player: OfflinePlayer, first: int) -> tuple[int, int]:
    """Play ``SAMPLE`` bars; returns the function calls made and the blocks of memory held then."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    play(player, first, SAMPLE)
    sys.setprofile(None)
    gc.collect()
    return calls, sys.getallocatedblocks()


@pytest.mark.nightly
def test_20000_bars() -> None:
    # every tenth bar is too expensive, so fallbacks are part of it
    server = OfflineServer(cost=lambda job: 5.0 if job.target % 10 == 0 else 0.2)
    player = OfflinePlayer(server)
    player.begin(agents=2, streaming=1, note_offs=1, sequence=1, lookahead_bars=0)
    player.say("tempo", 240)
    first_calls, first_blocks = work(player, 0)
    play(player, SAMPLE, BARS - 2 * SAMPLE)
    last_calls, last_blocks = work(player, BARS - SAMPLE)
    assert player.state()["playhead"] == BARS
    assert last_calls == pytest.approx(first_calls, rel=0.1)
    assert last_blocks == pytest.approx(first_blocks, rel=0.1)
