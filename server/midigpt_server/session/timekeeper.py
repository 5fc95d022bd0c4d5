"""How the music moves on: bars end, tempo and meters change, it stops, jumps and loops."""

from __future__ import annotations

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.states import State
from midigpt_server.session.answers import Answers
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import Meter, nearest_meter


class Timekeeper:
    """Requests of the table about time; ends the bars itself if the parameter ``clock`` says so.

    ``meant`` is when the request at hand happened, as its sender dated it.
    """

    def __init__(self, stage: Stage, answers: Answers) -> None:
        self._stage = stage
        self._answers = answers
        self.meant = 0.0
        self._playing = True  # by transport; without it a running session plays

    @property
    def is_sounding(self) -> bool:
        """Whether bars go by."""
        return self._stage.state is State.RUNNING and self._playing

    @property
    def next_bar_line(self) -> float | None:
        """The next bar line, when the server ends the bars."""
        if not (self.is_sounding and self._is_own_clock()):
            return None
        return self._stage.time_of(self._stage.piece.playhead + 1)

    def end_due_bars(self) -> None:
        """End the bars whose time is over, when the server ends them."""
        stage = self._stage
        while (line := self.next_bar_line) is not None and line <= stage.now:
            self._close_bar(stage.piece.playhead, stage.meter(stage.piece.playhead), line)

    def bar(self, song_bar: int) -> int:
        """The bar that the client means."""
        return self._stage.timeline.bar_of(song_bar, self._stage.piece.playhead)

    def end_bar(self, bar: int, numerator: int, denominator: int) -> None:
        """Close a bar, and those skipped before it (D16), and want the next target."""
        if self._is_own_clock():
            text = "the server ends the bars (parameter clock): bar/end is not used"
            self._stage.warn_once("clock", "clock", text)
            return
        self._close_bar(self.bar(bar), Meter(numerator, denominator), self.meant)

    def set_tempo(self, bpm: float) -> None:
        """The tempo from now on."""
        self._stage.tempo.set_tempo(bpm, self._stage.now)

    def announce_meter(self, bar: int, numerator: int, denominator: int) -> None:
        """The meter from a coming bar on (D49)."""
        meter = Meter(numerator, denominator)
        self._stage.announced[bar] = meter
        self._warn_if_foreign(meter)

    def transport(self, action: str, bar: int, end: int) -> None:
        """Play, stop, pause, locate or loop; see the table."""
        stage, playhead = self._stage, self._stage.piece.playhead
        if action == "play":
            self._playing = True
            stage.tempo.bar_line(playhead, self.meant, stage.meter(max(0, playhead - 1)))
        elif action == "stop":
            self._playing = False
            self._stand_still()
        elif action == "pause":
            self._playing = False
            stage.replies += stage.player.flush(stage.now)
            stage.tempo.stop()
        elif action == "locate":
            self._stand_still()
            stage.timeline.locate(bar, playhead)
            if self._playing:
                stage.tempo.bar_line(playhead, stage.now, stage.meter(max(0, playhead - 1)))
        elif (bar, end) != (0, 0) and end <= bar:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"end = {end}: a bar after the loop's first, {bar}, is wanted"
            )
        else:
            stage.timeline.set_loop((bar, end) if end else None, playhead)

    def stand_still(self) -> None:
        """Wait for a bar end, or for transport, before time goes on (a journal that is resumed);
        the bars that agents have played ahead are kept."""
        self._answers.cancel()
        self._answers.owed.restart()
        self._answers.flush()
        self._stage.tempo.stop()
        self._playing = False

    def _stand_still(self) -> None:
        """The music after the playhead will not come as it was foreseen."""
        self._answers.cancel()
        self._answers.owed.restart()
        self._answers.flush()
        playhead = self._stage.piece.playhead
        for agent in self._stage.piece.agents:
            for kept in (agent.bars, agent.revisions, agent.takes):
                for bar in [bar for bar in kept if bar >= playhead]:
                    del kept[bar]
        self._stage.tempo.stop()

    def _close_bar(self, bar: int, meter: Meter, now: float) -> None:
        stage = self._stage
        self._warn_if_foreign(meter)
        is_new = bar >= stage.piece.playhead
        if skipped := stage.piece.end_bar(bar, meter):
            song_bar = stage.timeline.song_bar
            stage.say("bar/gap", song_bar(skipped.start), song_bar(skipped.stop - 1))
        if not is_new:
            return  # it has ended before: notes and meter count, nothing is asked for anew (D34)
        self._playing = True
        stage.tempo.bar_line(bar + 1, now, meter)
        self._answers.bar_ended(bar)
        stage.piece.forget_old_bars()

    def _warn_if_foreign(self, meter: Meter) -> None:
        seen = nearest_meter(meter, self._stage.info.meters)
        if seen != meter:
            text = f"{meter} is unknown to this checkpoint; the model sees {seen}"
            self._stage.warn_once(str(meter), "meter", text)

    def _is_own_clock(self) -> bool:
        return bool(self._stage.parameters.persistent["clock"] == "internal")
