"""What a backend keeps for each voice between its jobs, such as what has been read for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

_MOST = 16


class Voices(Generic[Kept]):
    """Keeps something for the voices used last; ``make`` makes it for a new one."""

    def __init__(self, make: Callable[[], Kept]) -> None:
        self._make = make
        self._kept: dict[str, Kept] = {}

    def use(self, voice: str) -> Kept:
        """That of a voice, which is now the one used last."""
        kept = self._kept.pop(voice, None)
        self._kept[voice] = kept = self._make() if kept is None else kept
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
        return kept
