"""Which bars the agents owe, from when on, and until when."""

from __future__ import annotations

from collections.abc import Callable

from midigpt_server.session import scheduling
from midigpt_server.session.foresight import Foresight
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted
from midigpt_server.session.stage import Stage

#: a bar wanted at its own bar line (lead_beats 0) may take so many seconds before it is filled
GRACE_SECONDS = 0.12
#: a bar is filled so long before it is due: the server may be kept waiting itself
OWN_SECONDS = 0.03
_ASKED_BARS = 16  # remembered, so that none is asked for twice


class Owed:
    """``wanted`` is keyed by agent and whether the bar is wanted again (regenerate).

    ``fill`` plays something instead of bars that nobody will write, for the reason given.
    """

    def __init__(self, stage: Stage, fill: Callable[[Wanted, str], None]) -> None:
        self._stage = stage
        self._fill = fill
        self.foresight = Foresight()
        self._asked: dict[int, dict[int, int]] = {}  # agent -> bars asked for, with lookahead
        self.wanted: dict[tuple[int, bool], Wanted] = {}

    def bar_ended(self, bar: int) -> None:
        """A bar has ended: want the next target of every agent."""
        self.foresight.bar_began(bar + 1, self._stage.piece.tracks)
        stage, playhead = self._stage, self._stage.piece.playhead
        told = False
        for agent in stage.piece.agents:
            values = {**stage.values_of(agent), **stage.parameters.once}
            target = scheduling.target_bar(playhead, values)
            if missing := scheduling.bars_missing(playhead, values):
                if not told:
                    song_bar = stage.timeline.song_bar
                    stage.say("bar/buffering", song_bar(bar), missing, song_bar(target + missing))
                told = True
                continue
            self._want_next(agent, target, playhead)

    def want_missing(self) -> None:
        """Want the bars that the last bar end asked for, if agents have not written them."""
        playhead = self._stage.piece.playhead
        for agent in self._stage.piece.agents:
            values = {**self._stage.values_of(agent), **self._stage.parameters.once}
            target = scheduling.target_bar(playhead, values)
            if target not in agent.revisions and not scheduling.bars_missing(playhead, values):
                self._want_next(agent, target, playhead)

    def want_leading(self) -> None:
        """Want the bars that agents with lookahead 0 begin before their bar line."""
        playhead = self._stage.piece.playhead
        for agent in self._stage.piece.agents:
            moment = self._lead_time(agent)
            if moment is not None and moment <= self._stage.now:
                self._want_next(agent, playhead + 1, playhead + 1)

    def regenerate(self, agent: Track, bar: int) -> None:
        """A bar that was written is wanted again."""
        wanted = self._wanted(agent, bar, bar + 1, self._stage.piece.playhead)
        wanted.take, wanted.give_up_at = agent.revisions[bar], None
        self.wanted[agent.id, True] = wanted

    def _want_next(self, agent: Track, target: int, heard: int) -> None:
        values = {**self._stage.values_of(agent), **self._stage.parameters.once}
        lookahead = values["lookahead_bars"]
        asked = self._asked.setdefault(agent.id, {})
        if target in asked or agent.muted:
            return  # D34
        first, last = target, max(asked, default=target)
        if last < target - 1 and lookahead == asked.get(last):  # bar ends were lost on the way
            lost = self._wanted(agent, last + 1, target, heard)
            self._fill(lost, "its bar end is missing")
        if 1 < target - last <= values["model_dim"] // 2 and lookahead > asked[last]:
            first = max(last + 1, self._stage.piece.playhead)  # no bar falls into the gap (D35)
        asked[target] = lookahead
        for old in [bar for bar in asked if bar < target - _ASKED_BARS]:
            del asked[old]
        skipped = self.wanted.pop((agent.id, False), None)
        if skipped is not None:
            self._skip(skipped, target)
        end = target + values["num_anticipated_bars"]
        self.wanted[agent.id, False] = self._wanted(agent, first, end, heard)

    def _wanted(self, agent: Track, target: int, end: int, heard: int) -> Wanted:
        stage, values = self._stage, self._stage.values_of(agent)
        wanted = Wanted(agent, target, end, heard, values, stage.now)
        wanted.deadline = stage.time_of(target)
        if wanted.deadline is not None and values["fallback"] != "none":
            due = wanted.deadline - values["output_latency"] - OWN_SECONDS
            wanted.give_up_at = max(due, min(stage.now, wanted.deadline) + GRACE_SECONDS)
        return wanted

    def _skip(self, skipped: Wanted, target: int) -> None:
        last = min(skipped.end, target) - 1
        song_bar = self._stage.timeline.song_bar
        first, last_told = song_bar(skipped.target), song_bar(last)
        self._stage.say("generation/skipped", skipped.agent.id, first, last_told, "too late")
        skipped.end = last + 1
        self._fill(skipped, "too late")

    def _lead_time(self, agent: Track) -> float | None:
        """When to begin with the bar after the one that sounds, if that is before its bar line."""
        return self._next_bar_time(agent) if self._stage.value(agent, "lead_beats") else None

    def _next_bar_time(self, agent: Track) -> float | None:
        """When an agent with lookahead 0 begins with the next bar, if it has not and if it is
        known."""
        stage, bar = self._stage, self._stage.piece.playhead
        if stage.value(agent, "lookahead_bars") or agent.muted:
            return None
        line, beat = stage.time_of(bar + 1), stage.beat_seconds(bar)
        if line is None or beat is None or bar + 1 in self._asked.get(agent.id, ()):
            return None
        if scheduling.bars_missing(bar + 1, stage.values_of(agent)):
            return None
        return line - float(stage.value(agent, "lead_beats")) * beat

    # --- foreseeing ------------------------------------------------------------------------

    def foreseen(self) -> Wanted | None:
        """The bar that will soon be wanted, to be read ahead with what has been heard so far.

        It is offered each time that more is known, see :mod:`.foresight`.
        """
        stage, target = self._stage, self._stage.piece.playhead + 1
        for agent in stage.piece.agents:
            moment = self._foresee_time(agent)
            if moment is not None and moment <= stage.now:
                self.foresight.reads(agent, target, stage.now)
                return self._wanted(agent, target, target + 1, target)
        return None

    def _foresee_time(self, agent: Track) -> float | None:
        wanted_at = self._next_bar_time(agent)
        if wanted_at is None:
            return None
        return self.foresight.moment(agent, self._stage.piece.playhead + 1, wanted_at)

    # --- waiting ---------------------------------------------------------------------------

    def next(self) -> Wanted | None:
        """What to begin with: the earliest bar; of equal ones that of the first agent."""
        return min(self.wanted.values(), key=lambda w: w.target, default=None)

    def take(self) -> Wanted:
        """The same, owed no more; there must be one."""
        wanted = self.next()
        assert wanted is not None
        self.wanted = {key: w for key, w in self.wanted.items() if w is not wanted}
        return wanted

    def fill_overdue(self) -> None:
        """Fill what cannot be ready any more."""
        for key, wanted in list(self.wanted.items()):
            if wanted.give_up_at is not None and wanted.give_up_at <= self._stage.now:
                del self.wanted[key]
                self._fill(wanted, "too late")

    @property
    def wakeup(self) -> float | None:
        """When :meth:`want_leading`, :meth:`foreseen` or :meth:`fill_overdue` has something to
        do."""
        agents = self._stage.piece.agents
        moments = [self._lead_time(agent) for agent in agents]
        moments += [self._foresee_time(agent) for agent in agents]
        moments += [wanted.give_up_at for wanted in self.wanted.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def forget(self, agent: Track) -> None:
        """An agent is gone, or rests."""
        self.wanted = {key: w for key, w in self.wanted.items() if w.agent is not agent}
        self._asked.pop(agent.id, None)

    def paid(self, agent: Track, bar: int) -> None:
        """The bars of an agent up to this one are there."""
        for key, wanted in list(self.wanted.items()):
            if wanted.agent is agent and wanted.target <= bar:
                wanted.target = bar + 1
                if wanted.target >= wanted.end:
                    del self.wanted[key]

    def restart(self) -> None:
        """The next bar end asks anew, whatever was asked for before."""
        self._asked.clear()
