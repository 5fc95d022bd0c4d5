"""The client's bar numbers and the bars as they sound, which differ after a jump or in a loop."""

from __future__ import annotations

from dataclasses import dataclass

_SEARCHED = 64  # bars around the playhead


@dataclass(frozen=True)
class _Stretch:
    first: int  # bar as it sounds
    song: int  # the client's number of it
    loop: tuple[int, int] | None  # in the client's numbers, half open

    def song_bar(self, bar: int) -> int:
        number = self.song + bar - self.first
        if self.loop is not None:
            start, end = self.loop
            if self.song < end <= number:
                return start + (number - start) % (end - start)
        return number


class Timeline:
    """Sessions count bars as they sound, ever rising; clients may jump and loop in theirs."""

    def __init__(self) -> None:
        self._stretches = [_Stretch(0, 0, None)]

    @property
    def loop(self) -> tuple[int, int] | None:
        """The loop that is on, in the client's numbers."""
        return self._stretches[-1].loop

    def song_bar(self, bar: int) -> int:
        """The client's number of a bar."""
        return self._stretch(bar).song_bar(bar)

    def bar_of(self, song_bar: int, playhead: int) -> int:
        """The bar that the client means by ``song_bar`` when ``playhead`` bars have sounded."""
        last = self._stretches[-1]
        if last.loop is None:
            bar = last.first + song_bar - last.song
            if bar >= last.first or len(self._stretches) == 1:
                return max(0, bar)
        for distance in range(_SEARCHED):
            for bar in (playhead + distance, playhead - distance):
                if bar >= 0 and self.song_bar(bar) == song_bar:
                    return bar
        return max(0, playhead + song_bar - self.song_bar(playhead))

    def locate(self, song_bar: int, playhead: int) -> None:
        """The next bar to sound is the client's ``song_bar``."""
        self._begin(playhead, song_bar, self.loop)

    def set_loop(self, loop: tuple[int, int] | None, playhead: int) -> None:
        """From the playhead on the client repeats the bars of ``loop``, or goes straight on."""
        self._begin(playhead, self.song_bar(playhead), loop)

    def _begin(self, bar: int, song_bar: int, loop: tuple[int, int] | None) -> None:
        kept = [s for s in self._stretches if s.first < bar and s.first > bar - 2 * _SEARCHED]
        before = [self._stretch(bar - 1)] if not kept and bar > 0 else []
        self._stretches = [*before, *kept, _Stretch(bar, song_bar, loop)]

    def _stretch(self, bar: int) -> _Stretch:
        return next((s for s in reversed(self._stretches) if s.first <= bar), self._stretches[0])
