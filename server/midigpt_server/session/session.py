"""One session: a state machine without I/O, threads or clock.

Requests come in as the methods that the table of :mod:`midigpt_server.protocol.inbound` names, of
the session or of one of its parts (``roster``, ``wishes``, ``timekeeper``), events of a generation
as those of ``answers``; the time comes in with :meth:`Session.advance`, which wants
to be called at :attr:`Session.wakeup` and before everything else. All that the players must hear
is collected in order and taken with :meth:`Session.take_replies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from midigpt_server.generation.job import Job
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.states import State
from midigpt_server.session import description
from midigpt_server.session.answers import Answers
from midigpt_server.session.observer import JobTiming
from midigpt_server.session.piece import KEPT_BARS, Piece
from midigpt_server.session.roster import Roster
from midigpt_server.session.stage import Stage
from midigpt_server.session.timekeeper import Timekeeper
from midigpt_server.session.wishes import Wishes
from midigpt_server.timing.bars import BarNote

DEFAULT_VELOCITY = 80


class Session:
    """The state machine. ``defaults`` are start-up overrides of the parameter table; bars older
    than ``kept_bars`` are forgotten.

    Requests raise :class:`~midigpt_server.protocol.errors.ProtocolError` or
    :class:`~midigpt_server.protocol.fields.BadValueError` when refused, and have then changed
    nothing.
    """

    def __init__(
        self,
        info: ModelInfo,
        defaults: Mapping[str, Any] | None = None,
        session_id: str = "",
        kept_bars: int = KEPT_BARS,
    ) -> None:
        self.id = session_id
        defaults = {"mask_mode": info.mask_mode, **(defaults or {})}
        self.stage = Stage(info, defaults, session_id, kept_bars)
        self.reply_port: int | None = None
        self._gather()

    def _gather(self) -> None:
        """The parts, as at the beginning of a session."""
        self.answers = Answers(self.stage)
        self.roster = Roster(self.stage, self.answers)
        self.wishes = Wishes(self.stage)
        self.timekeeper = Timekeeper(self.stage, self.answers)

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self.stage.state

    @property
    def name(self) -> str:
        """As the client calls it."""
        return self.stage.name

    @property
    def piece(self) -> Piece:
        """Its music."""
        return self.stage.piece

    @property
    def numbered(self) -> bool:
        """Whether the players want their messages numbered."""
        return bool(self.stage.parameters.persistent["sequence"])

    def take_replies(self) -> list[Message]:
        """The messages for the players since the last call, in order."""
        replies, self.stage.replies = self.stage.replies, []
        return replies

    def take_timings(self) -> list[JobTiming]:
        """What became of jobs since the last call."""
        timings, self.stage.timings = self.stage.timings, []
        return timings

    # --- time ------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """It is ``now``, in seconds of the server's clock."""
        stage = self.stage
        stage.now = max(stage.now, now)
        self.timekeeper.end_due_bars()
        if self.timekeeper.is_sounding:
            self.answers.advance()
        stage.replies += stage.player.due(now, self._dated())

    @property
    def wakeup(self) -> float | None:
        """When :meth:`advance` has something to do; None if only other events can bring it."""
        moments = [self.stage.player.wakeup(self._dated()), self.timekeeper.next_bar_line]
        if self.timekeeper.is_sounding:
            moments.append(self.answers.wakeup)
        return min((moment for moment in moments if moment is not None), default=None)

    def _dated(self) -> bool:
        return bool(self.stage.parameters.persistent["timetags"])

    # --- requests: session -----------------------------------------------------------------

    def init(self, name: str, reply_port: int, session_id: str = "", token: str = "") -> None:
        """Begin anew: no tracks, no bars, default parameters, no attributes.

        ``session_id`` and ``token`` have been used by then, to find the session.
        """
        self._end_everything()
        self.stage.clear()
        self._gather()
        self.stage.name = name
        self.reply_port = reply_port or None
        self.stage.state = State.INITIALIZING
        self.query_model()
        self.stage.say("session/id", self.id)
        self.stage.say("session/ready")

    def start(self) -> None:
        """Begin to play, if there is somebody to play with."""
        stage = self.stage
        if stage.piece.agent is None:
            raise ProtocolError(Code.NO_AGENT, "no agent track: create one with is_agent 1")
        if len(stage.piece.tracks) == len(stage.piece.agents):
            raise ProtocolError(
                Code.WRONG_STATE, "no conditioning track: create one with is_agent 0"
            )
        values = stage.parameters.current()
        if values["buffer_bars"] > values["model_dim"]:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"buffer_bars = {values['buffer_bars']} must not exceed "
                f"model_dim = {values['model_dim']}",
            )
        stage.state = State.RUNNING
        stage.say("session/started")
        self.wishes.warn_if_blind()
        self.wishes.warn_if_without_effect()

    def stop(self) -> None:
        """End; what is being generated is dropped, what sounds ends."""
        self._end_everything()
        self.stage.state = State.STOPPED
        self.stage.say("session/stopped")

    def query(self) -> None:
        """Tell everything about the session but its notes."""
        self.stage.say("session/state", self.describe())

    def query_model(self) -> None:
        """Tell what the checkpoint offers."""
        self.stage.say("capabilities", self.stage.info.capabilities())
        self.stage.say("model", self.stage.info.details())

    def query_tracks(self) -> None:
        """Tell the tracks."""
        self.stage.say("track/list", {"tracks": description.tracks(self.stage)})

    def query_parameters(self) -> None:
        """Tell the parameters."""
        self.stage.say("param/list", description.parameters(self.stage))

    def describe(self) -> dict[str, Any]:
        """State, tracks and parameters, as JSON values."""
        return {
            "state": self.state.value,
            "playing": self.timekeeper.is_sounding,
            **description.session(self.stage),
            "generating": self.answers.job.target if self.answers.job else None,
            "waiting": min((w.target for w in self.answers.owed.wanted.values()), default=None),
        }

    def snapshot(self) -> dict[str, Any]:
        """The same with the notes of the last bars."""
        return {**self.describe(), "tracks": description.tracks(self.stage, with_notes=True)}

    def _end_everything(self) -> None:
        self.answers.cancel()
        self.stage.replies += self.stage.player.flush(self.stage.now)

    # --- requests: music -------------------------------------------------------------------

    def undo(self, track_id: int) -> None:
        """Take back the newest bar of an agent."""
        self.answers.versions.undo(self.piece.agent_with_id(track_id))

    def redo(self, track_id: int) -> None:
        """Bring back what was taken back last of the newest bar of an agent."""
        self.answers.versions.redo(self.piece.agent_with_id(track_id))

    def regenerate(self, bar: int, track_id: int) -> None:
        """Write a bar of an agent anew."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.regenerate(agent, self.timekeeper.bar(bar))

    def choose_take(self, bar: int, take: int, track_id: int) -> None:
        """Play another take of a bar of an agent."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.versions.choose(agent, self.timekeeper.bar(bar), take)

    def note(
        self, track_id: int, pitch: int, velocity: int, onset: float, duration: float, bar: int
    ) -> None:
        """Keep a note of a bar; in an ended bar it counts from the next generation on (D15)."""
        sounding = BarNote(pitch, velocity or DEFAULT_VELOCITY, onset, duration)
        self.piece.add_note(track_id, self.timekeeper.bar(bar), sounding)
        self.answers.owed.foresight.heard(track_id, self.stage.now)
        if velocity == 0:
            text = f"velocity 0 is taken as {DEFAULT_VELOCITY}; this is said once"
            self.stage.warn_once("velocity", "velocity", text)

    def remove_note(self, track_id: int, pitch: int, onset: float, bar: int) -> None:
        """Take a note out of a bar; that counts from the next generation on."""
        self.piece.remove_note(track_id, self.timekeeper.bar(bar), pitch, onset)
        self.answers.owed.foresight.heard(track_id, self.stage.now)

    def panic(self) -> None:
        """Silence, now; the next bar end goes on."""
        self.answers.cancel()
        self.answers.flush()

    # --- generation, and a journal that is resumed -----------------------------------------

    def foreseen_job(self) -> Job | None:
        """What will soon be wanted, now that it is time to read ahead."""
        return self.answers.foreseen_job() if self.timekeeper.is_sounding else None

    def go_on(self) -> None:
        """Write what was being written when the music broke off."""
        if self.state is State.RUNNING and self.piece.playhead:
            self.answers.owed.want_missing()

    def adopt_bar(self, track_id: int, bar: int, notes: Sequence[BarNote]) -> None:
        """Take a bar that an agent played before into its history."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.adopt(agent, self.timekeeper.bar(bar), notes)
