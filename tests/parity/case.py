"""What a comparison takes and yields."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: The line after the last case of a piece.
END = "end"


@dataclass(frozen=True)
class Piece:
    """One MIDI file, with the distance between the windows that are cut out of it."""

    name: str
    midi: bytes
    stride: int = 0  # bars between the starts of windows; 0: their length


@dataclass(frozen=True)
class Case:
    """One observation.

    ``group`` is its row in the table of results. ``value`` (anything JSON can say) must be equal on
    both sides; ``size`` is how much it holds, in the comparison's unit. ``excuse``, asked only when
    it differs, tells why this input may, or "".
    """

    group: str
    label: str
    value: Any
    size: int = 1
    excuse: Callable[[], str] = str

    def text(self) -> str:
        """What is compared, in one line."""
        return json.dumps([self.group, self.label, self.value])


def outcome(call: Callable[[], Any]) -> Any:
    """What ``call`` returns, or the kind of its exception: messages are ours to word."""
    try:
        return call()
    except (ValueError, RuntimeError, IndexError, KeyError) as error:
        return {"raises": type(error).__name__}
