"""What a bar costs on this machine, learned from the bars before."""

from __future__ import annotations

from collections import deque

_REMEMBERED = 64  # bars


class CostModel:
    """Seconds from start to first note and to the last, over the last 64 bars."""

    def __init__(self) -> None:
        self._first: deque[float] = deque(maxlen=_REMEMBERED)
        self._whole: deque[float] = deque(maxlen=_REMEMBERED)

    def learn(self, first_note: float | None, whole: float) -> None:
        """A bar took ``whole`` seconds, its first note ``first_note``."""
        self._first.append(whole if first_note is None else first_note)
        self._whole.append(whole)

    def first_note(self, share: float = 0.95) -> float:
        """Seconds within which this share of bars had a note; 0 before anything is learned."""
        return _quantile(self._first, share)

    def whole_bar(self, share: float = 0.95) -> float:
        """Seconds within which this share of bars was complete."""
        return _quantile(self._whole, share)


def _quantile(values: deque[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0
