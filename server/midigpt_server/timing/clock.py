"""Clocks: where the time that sessions are told comes from."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back, and how they relate to the time of day."""

    def now(self) -> float:
        """Seconds since some moment; only differences mean anything."""

    def unix(self, now: float) -> float:
        """The moment ``now`` of this clock in seconds since 1970 (for timetags and journals)."""


class WallClock:
    """Real time. The time of day is read once, so later jumps of it do not disturb the music."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Monotonic seconds, those of an asyncio loop."""
        return time.monotonic()

    def unix(self, now: float) -> float:
        """``now`` in seconds since 1970."""
        return now + self._offset


class OfflineClock:
    """Time that stands still until it is moved: what happens when is exact, and takes no time."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The moment it was last moved to."""
        return self._now

    def unix(self, now: float) -> float:
        """``now`` itself."""
        return now

    def move_to(self, moment: float) -> None:
        """Go on to ``moment``; never back."""
        self._now = max(self._now, moment)
