"""Moments of a live session, drawn at random as often as a server meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from midigpt.score import Score

Choice = TypeVar("Choice")

_AHEAD = {0: 0.2, 1: 0.62, 2: 0.13, 3: 0.05}  # bars between playhead and target
_PARTLY_HEARD = 0.25  # share of live samples in which the bar at the playhead has begun
_OTHER_AGENTS = 0.3  # share of the other tracks that are agents too, known up to the target
_COUNT = {1: 0.85, 2: 0.1, 4: 0.05}  # bars wanted at once
_BUFFER = {4: 0.7, 2: 0.08, 3: 0.06, 6: 0.06, 0: 0.1}  # 0: the agent plays from the start
_BOOTSTRAP = 0.04  # share of live samples whose agent writes the past as well (policy b)
_WARM_UP = 0.3  # share of live samples whose window is not full yet
_LONGEST_SESSION = 32  # bars of a session after its window is full, at most
_HIDE_SILENCE = 0.2  # share of live samples that hide the silence before the agent's entry


@dataclass(frozen=True)
class Situation:
    """A moment of a live session; bars are counted from its start.

    Attributes:
        window: bars that the model sees.
        playhead: bars that the player has completed.
        target: first bar to write, after the playhead.
        count: bars wanted.
        entry: first bar in which the agent may have played; silent, or hidden, before it.
        hide_silence: hide the agent's bars before its entry rather than show them as silence.
        heard: ticks of the bar at the playhead that have been played already.
        known: for tracks that other agents play, by index, the bar they are known up to.
    """

    window: int
    playhead: int
    target: int
    count: int = 1
    entry: int = 0
    hide_silence: bool = False
    heard: int = 0
    known: Mapping[int, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The bar after the window."""
        return max(self.target + self.count, self.window)

    @property
    def start(self) -> int:
        """The first bar of the window."""
        return self.end - self.window


def draw_situation(n_bars: int, windows: Mapping[int, float], rng: Random) -> Situation | None:
    """A moment of a session that a piece of ``n_bars`` bars has room for, or None."""
    window, ahead, count = choose(windows, rng), choose(_AHEAD, rng), choose(_COUNT, rng)
    full = window - count  # the first target with which the window holds no bar beyond the answer
    if ahead >= full or n_bars < window:
        return None
    if rng.random() < _BOOTSTRAP:
        return Situation(window, rng.randint(1, window - 1), 0)
    if rng.random() < _WARM_UP:
        target = rng.randint(ahead + 1, full)
    else:
        target = rng.randint(full, min(n_bars - count, full + _LONGEST_SESSION))
    buffer = choose(_BUFFER, rng)
    entry = min(max(buffer, ahead + 1), target) if buffer else 0
    return Situation(
        window, target - ahead, target, count, entry, hide_silence=rng.random() < _HIDE_SILENCE
    )


def draw_hearing(situation: Situation, session: Score, rng: Random) -> Situation:
    """The situation with more that is known: a bar that has begun, bars of other agents."""
    *players, _ = session.tracks
    heard = 0
    if situation.playhead < situation.target and rng.random() < _PARTLY_HEARD:
        bar = session.tracks[0].bars[situation.playhead]
        heard = rng.randint(1, max(1, round(bar.beat_length * session.resolution) - 1))
    known = {
        index: rng.choice((situation.target, situation.target + situation.count))
        for index in range(len(players))
        if situation.target >= situation.playhead and rng.random() < _OTHER_AGENTS
    }
    return replace(situation, heard=heard, known=known)


def choose(weights: Mapping[Choice, float], rng: Random) -> Choice:
    """One of the keys, as likely as its weight says."""
    return rng.choices(list(weights), list(weights.values()))[0]
