"""Which take of a bar is played: the newest, or one that was brought back."""

from __future__ import annotations

from collections.abc import Sequence

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.session.delivery import Delivery
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage
from midigpt_server.session.takes import Takes
from midigpt_server.timing.bars import BarNote


class Versions:
    """Keeps the takes of the bars of agents; undo, redo and choice among them."""

    def __init__(self, stage: Stage, delivery: Delivery) -> None:
        self._stage = stage
        self._delivery = delivery

    def keep(self, agent: Track, bar: int, notes: Sequence[BarNote]) -> None:
        """A bar has been written; what it was before can be brought back."""
        takes = self._takes(agent, bar)
        takes.add(notes)
        agent.bars[bar] = takes.notes()
        if len(takes.written) > 1:
            self._tell(agent, bar)

    def adopt(self, agent: Track, bar: int, notes: Sequence[BarNote]) -> None:
        """Take a bar as written, whoever wrote it."""
        agent.bars[bar] = list(notes)
        agent.takes.setdefault(bar, Takes()).adopt(notes)
        agent.revisions[bar] = 1

    def undo(self, agent: Track) -> None:
        """Take back the newest bar that is not over; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        self._play(agent, bar, max(-1, self._takes(agent, bar).played - 1))

    def redo(self, agent: Track) -> None:
        """Undo the last undo of the newest bar; raises ProtocolError 4 if there is none."""
        bar = self._newest(agent)
        takes = self._takes(agent, bar)
        if takes.played + 1 >= len(takes.written):
            raise ProtocolError(Code.BAD_ARGUMENT, f"nothing of agent {agent.id} was taken back")
        self._play(agent, bar, takes.played + 1)

    def choose(self, agent: Track, bar: int, take: int) -> None:
        """Play a take of a bar; raises ProtocolError 4 unless the bar has it and is not over."""
        self.require_changeable(agent, bar)
        count = len(self._takes(agent, bar).written)
        if not -1 <= take < count:
            song_bar = self._stage.timeline.song_bar(bar)
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"take = {take}: bar {song_bar} has takes 0..{count - 1}"
            )
        self._play(agent, bar, take)

    def require_changeable(self, agent: Track, bar: int) -> None:
        """Raises ProtocolError 4 unless the bar was written and is not over."""
        if bar < self._stage.piece.playhead or bar not in agent.revisions:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"bar_index = {self._stage.timeline.song_bar(bar)}: a bar that was written and is "
                "not over is wanted",
            )

    def _newest(self, agent: Track) -> int:
        bar = max(agent.revisions, default=-1)
        if bar < self._stage.piece.playhead:
            raise ProtocolError(Code.BAD_ARGUMENT, f"agent {agent.id} has no bar that is not over")
        return bar

    def _takes(self, agent: Track, bar: int) -> Takes:
        """Those of a bar; what a fallback has played is one of them too."""
        takes = agent.takes.setdefault(bar, Takes())
        if not takes.written and agent.bars.get(bar):
            takes.add(agent.bars[bar])
        return takes

    def _play(self, agent: Track, bar: int, take: int) -> None:
        takes = self._takes(agent, bar)
        takes.played = take
        self._delivery.flush(agent, bar)
        agent.bars[bar] = takes.notes()
        self._tell(agent, bar)
        self._delivery.whole_bar(agent, bar, agent.bars[bar], self._stage.values_of(agent))

    def _tell(self, agent: Track, bar: int) -> None:
        takes, song_bar = agent.takes[bar], self._stage.timeline.song_bar(bar)
        self._stage.say("generated/take", agent.id, song_bar, takes.played, len(takes.written))
