"""Reading ahead: the prompt of a bar that is soon wanted, each time that more of it is known.

Of a prompt only what stands behind the first change is read again, so the track that was last told
something at the end of the bar before stands last, and other agents, who write until the end,
behind all players.
"""

from __future__ import annotations

from collections.abc import Sequence

from midigpt_server.session.piece import Track

#: reading begins so many seconds before the bar is wanted
HORIZON_SECONDS = 0.4
#: notes that come together are read together
SETTLE_SECONDS = 0.004
#: later there is no time left to read
LATEST_SECONDS = 0.01
_WAITED_SHARE = 0.7  # of the time that is left goes by between two readings at least
_KEPT_ORDERS = 4  # bars


class Foresight:
    """When to read ahead for which agent, and in which order the tracks stand."""

    def __init__(self) -> None:
        self._told: dict[int, float] = {}  # track id -> when it was last told a note
        self._changed = 0.0
        self._read: dict[int, tuple[int, float]] = {}  # agent id -> bar, when it was read ahead
        self._orders: dict[int, tuple[int, ...]] = {}  # bar -> ids of the tracks

    def heard(self, track_id: int, now: float) -> None:
        """A track was told a note."""
        self._told[track_id] = self._changed = now

    def bar_began(self, bar: int, tracks: Sequence[Track]) -> None:
        """From now on the bar after ``bar`` is read ahead: its tracks keep their order."""
        players = sorted(
            (track for track in tracks if not track.is_agent),
            key=lambda track: self._told.get(track.id, 0.0),
        )
        agents = [track for track in tracks if track.is_agent]
        self._orders[bar + 1] = tuple(track.id for track in (*players, *agents))
        for old in [known for known in self._orders if known <= bar + 1 - _KEPT_ORDERS]:
            del self._orders[old]

    def ordered(self, bar: int, tracks: Sequence[Track]) -> list[Track]:
        """The tracks as they stand in the prompt of ``bar``."""
        order = self._orders.get(bar, ())
        place = {track_id: number for number, track_id in enumerate(order)}
        return sorted(tracks, key=lambda track: place.get(track.id, len(place)))

    def moment(self, agent: Track, bar: int, wanted_at: float) -> float | None:
        """When to read ``bar`` ahead; None: not before something changes."""
        read_bar, read_at = self._read.get(agent.id, (-1, 0.0))
        if read_bar != bar:
            return wanted_at - HORIZON_SECONDS
        if self._changed <= read_at:
            return None
        soonest = read_at + _WAITED_SHARE * (wanted_at - read_at)
        moment = max(self._changed + SETTLE_SECONDS, soonest)
        return moment if moment <= wanted_at - LATEST_SECONDS else None

    def reads(self, agent: Track, bar: int, now: float) -> None:
        """``bar`` is read ahead with what is known now."""
        self._read[agent.id] = bar, now
