"""The takes of one bar of an agent: all that was written for it, and which of it is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from midigpt_server.timing.bars import BarNote


@dataclass
class Takes:
    """Takes in the order in which they were written; ``played`` is an index, -1 for silence."""

    written: list[list[BarNote]] = field(default_factory=list)
    played: int = -1

    def add(self, notes: Sequence[BarNote]) -> None:
        """A new take, which is played from now on."""
        self.written.append(list(notes))
        self.played = len(self.written) - 1

    def adopt(self, notes: Sequence[BarNote]) -> None:
        """What was played, if it is not one of the takes yet, is one."""
        if list(notes) in self.written:
            self.played = self.written.index(list(notes))
        elif notes:
            self.add(notes)

    def notes(self) -> list[BarNote]:
        """Those of the take that is played."""
        return self.written[self.played] if self.played >= 0 else []
