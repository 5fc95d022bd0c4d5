"""Versions of a bar: taken back, and brought back."""

from __future__ import annotations

from collections.abc import Sequence

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.session.delivery import Delivery
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote


class Versions:
    """Undo and redo of the newest bar of an agent."""

    def __init__(self, stage: Stage, delivery: Delivery) -> None:
        self._stage = stage
        self._delivery = delivery

    def keep(self, agent: Track, bar: int, notes: Sequence[BarNote]) -> None:
        """A bar has been written; what it was before can be brought back."""
        if bar in agent.revisions and agent.bars.get(bar):
            agent.versions.setdefault(bar, []).append(list(agent.bars[bar]))
        agent.bars[bar] = list(notes)
        agent.undone.pop(bar, None)

    def undo(self, agent: Track) -> None:
        """Take back the newest bar that is not over; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        versions = agent.versions.get(bar)
        agent.undone.setdefault(bar, []).append(agent.bars[bar])
        self._replace(agent, bar, versions.pop() if versions else [])

    def redo(self, agent: Track) -> None:
        """Undo the last undo of the newest bar; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        undone = agent.undone.get(bar)
        if not undone:
            raise ProtocolError(Code.BAD_ARGUMENT, f"nothing of agent {agent.id} was taken back")
        if agent.bars[bar]:
            agent.versions.setdefault(bar, []).append(agent.bars[bar])
        self._replace(agent, bar, undone.pop())

    def _newest(self, agent: Track) -> int:
        bar = max(agent.revisions, default=-1)
        if bar < self._stage.piece.playhead:
            raise ProtocolError(Code.BAD_ARGUMENT, f"agent {agent.id} has no bar that is not over")
        return bar

    def _replace(self, agent: Track, bar: int, notes: list[BarNote]) -> None:
        self._delivery.flush(agent, bar)
        agent.bars[bar] = notes
        self._delivery.whole_bar(agent, bar, notes, self._stage.values_of(agent))
