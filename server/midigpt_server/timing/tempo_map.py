"""When bars begin: one tempo map per session, told or estimated."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import median

from midigpt_server.timing.bars import Meter

MeterOf = Callable[[int], Meter]

_SLOWEST, _FASTEST = 4.0, 0.1  # seconds per quarter note; anything else is no tempo
_REMEMBERED = 3  # bars; their median outlives one late bar end and follows a new tempo in two bars


class TempoMap:
    """Where the music is, in seconds of the server's clock.

    The tempo is told (:meth:`set_tempo`) or estimated from bar lines; bar lines always set the
    phase. Until both are known :meth:`time_of` gives None. Bars are counted as they sound.
    """

    def __init__(self) -> None:
        self._told = False
        self._quarter: float | None = None  # seconds
        self._anchor: tuple[int, float] | None = None  # this bar began then
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def bpm(self) -> float | None:
        """Quarter notes a minute, if known."""
        return 60.0 / self._quarter if self._quarter else None

    @property
    def quarter_seconds(self) -> float | None:
        """Length of a quarter note, if the tempo is known."""
        return self._quarter

    def set_tempo(self, bpm: float, now: float) -> None:
        """The tempo from now on; the place in the bar stays."""
        quarter = 60.0 / bpm
        if self._anchor is not None and self._quarter is not None:
            bar, began = self._anchor
            self._anchor = bar, now - (now - began) * quarter / self._quarter
        self._told, self._quarter = True, quarter

    def bar_line(self, bar: int, now: float, before: Meter) -> None:
        """``bar`` begins now; the bar before it had the meter ``before``."""
        if self._anchor is not None and self._anchor[0] == bar - 1 and not self._told:
            quarter = (now - self._anchor[1]) / before.quarters
            if _FASTEST <= quarter <= _SLOWEST:
                self._recent.append(quarter)
                self._quarter = median(self._recent)
        self._anchor = bar, now

    def stop(self) -> None:
        """The music stands: no bar has a time until the next bar line."""
        self._anchor = None

    def time_of(self, bar: int, meter_of: MeterOf, fraction: float = 0.0) -> float | None:
        """When the place ``fraction`` of the way into ``bar`` sounds, if that is known."""
        if self._anchor is None or self._quarter is None:
            return None
        anchor, time = self._anchor
        if bar >= anchor:
            quarters = sum(meter_of(b).quarters for b in range(anchor, bar))
        else:
            quarters = -sum(meter_of(b).quarters for b in range(bar, anchor))
        return time + (quarters + fraction * meter_of(bar).quarters) * self._quarter
