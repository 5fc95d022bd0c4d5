"""One session: a state machine without I/O, threads or clock.

Requests come in as the methods that the table of :mod:`midigpt_server.protocol.inbound` names,
events of a generation as ``on_...``; the time comes in with :meth:`Session.advance`, which wants
to be called at :attr:`Session.wakeup` and before everything else. All that the players must hear
is collected in order and taken with :meth:`Session.take_replies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from midigpt_server.generation.job import Job, PromptState, Result
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.parameters import (
    CONDITIONING_PARAMETERS,
    PARAMETERS,
    TRACK_PARAMETERS,
)
from midigpt_server.protocol.states import State
from midigpt_server.session import description, scheduling
from midigpt_server.session.answers import Answers
from midigpt_server.session.observer import JobTiming
from midigpt_server.session.parameters import check_together
from midigpt_server.session.piece import KEPT_BARS, Piece, Track
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote, Meter, nearest_meter

DRUM_TRACK_TYPE = 11
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
        self.answers = Answers(self.stage)
        self.state = State.UNINITIALIZED
        self.meant = 0.0  # when the request at hand happened, as its sender dated it
        self.reply_port: int | None = None
        self._playing = True  # by transport; without it a running session plays

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
        while (line := self._next_bar_line()) is not None and line <= stage.now:
            self._close_bar(stage.piece.playhead, stage.meter(stage.piece.playhead), line)
        if self._is_sounding():
            self.answers.advance()
        stage.replies += stage.player.due(now, self._dated())

    @property
    def wakeup(self) -> float | None:
        """When :meth:`advance` has something to do; None if only other events can bring it."""
        moments = [self.stage.player.wakeup(self._dated()), self._next_bar_line()]
        if self._is_sounding():
            moments.append(self.answers.wakeup)
        return min((moment for moment in moments if moment is not None), default=None)

    def _is_sounding(self) -> bool:
        return self.state is State.RUNNING and self._playing

    def _dated(self) -> bool:
        return bool(self.stage.parameters.persistent["timetags"])

    def _is_timekeeper(self) -> bool:
        return bool(self.stage.parameters.persistent["clock"] == "internal")

    def _next_bar_line(self) -> float | None:
        """The next bar line, when the server ends the bars."""
        if not (self._is_sounding() and self._is_timekeeper()):
            return None
        return self.stage.time_of(self.stage.piece.playhead + 1)

    # --- requests: session -----------------------------------------------------------------

    def init(self, name: str, reply_port: int, session_id: str = "", token: str = "") -> None:
        """Begin anew: no tracks, no bars, default parameters, no attributes.

        ``session_id`` and ``token`` have been used by then, to find the session.
        """
        self._end_everything()
        self.stage.clear()
        self.answers = Answers(self.stage)
        self.stage.name = name
        self.reply_port = reply_port or None
        self.state, self._playing = State.INITIALIZING, True
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
        self.state = State.RUNNING
        stage.say("session/started")
        self._warn_if_blind()
        for name in stage.attributes:
            if not any(stage.applies(name, agent) for agent in stage.piece.agents):
                stage.warn("attribute", f"{name} does not apply to this agent; it has no effect")

    def stop(self) -> None:
        """End; what is being generated is dropped, what sounds ends."""
        self._end_everything()
        self.state = State.STOPPED
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
            "playing": self._is_sounding(),
            **description.session(self.stage),
            "generating": self.answers.job.target if self.answers.job else None,
            "waiting": min((w.target for w in self.answers.wanted.values()), default=None),
        }

    def snapshot(self) -> dict[str, Any]:
        """The same with the notes of the last bars."""
        return {**self.describe(), "tracks": description.tracks(self.stage, with_notes=True)}

    def _end_everything(self) -> None:
        self.answers.cancel()
        self.stage.replies += self.stage.player.flush(self.stage.now)

    # --- requests: tracks and agents -------------------------------------------------------

    def create_track(self, track_id: int, instrument: int, track_type: int, is_agent: bool) -> None:
        """Add a track at the end of the creation order."""
        self._create(track_id, instrument, track_type, is_agent)

    def create_agent(self, track_id: int, instrument: int, track_type: int, fallback: str) -> None:
        """Add an agent, beside others if there are some."""
        self._create(track_id, instrument, track_type, True, beside_others=True)
        self.piece.track(track_id).parameters["fallback"] = fallback

    def _create(
        self, track_id: int, instrument: int, kind: int, is_agent: bool, beside_others: bool = False
    ) -> None:
        is_program = 0 <= instrument <= 127
        program = instrument if is_program else 0
        track = Track(track_id, program, kind == DRUM_TRACK_TYPE, is_agent)
        self.piece.add_track(track, beside_others)
        if not is_program:
            self.stage.warn("instrument", f"instrument = {instrument} is not in 0..127; 0 is used")

    def remove_track(self, track_id: int) -> None:
        """Remove a conditioning track."""
        self.piece.remove_track(track_id)

    def remove_agent(self, track_id: int) -> None:
        """Remove an agent, with what it has scheduled."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.forget(agent)
        self.answers.flush(agent)
        self.piece.tracks.remove(agent)

    def set_ignore(self, track_id: int, ignored: bool) -> None:
        """Leave a conditioning track out of the prompt, or take it back in."""
        track = self.piece.track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.UNKNOWN_TRACK, f"track {track_id} is the agent: not ignorable")
        track.ignored = ignored

    def set_track_parameter(self, track_id: int, name: str, value: Any) -> None:
        """Set a parameter of one track."""
        track = self.piece.track(track_id)
        table = TRACK_PARAMETERS if track.is_agent else CONDITIONING_PARAMETERS
        if name not in table:
            kind = "an agent" if track.is_agent else "a conditioning track"
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{kind} has no parameter {name!r}, only {', '.join(table)}"
            )
        parsed = table[name].parse(value)
        if name == "model" and parsed not in self.stage.info.models:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"model = {parsed!r}: this server has only {', '.join(self.stage.info.models)}",
            )
        if name == "ignore":
            track.ignored = parsed
            return
        if name == "instrument":
            track.instrument = parsed
            return
        changed = {**track.parameters, name: parsed}
        low, high = changed.get("min_pitch", 0), changed.get("max_pitch", 127)
        if low > high:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} = {parsed}: min_pitch {low} is above max_pitch {high}"
            )
        own = {key: v for key, v in changed.items() if key in PARAMETERS}
        check_together({**self.stage.parameters.current(), **own})
        track.parameters = changed
        if name == "mute" and parsed:
            self.answers.forget(track)
            self.answers.flush(track)

    def set_prompt_text(self, text: str, track_id: int) -> None:
        """Tell one agent, or all, what to play in words."""
        agents = self.piece.agents if track_id == -1 else [self.piece.agent_with_id(track_id)]
        for agent in agents:
            self.set_track_parameter(agent.id, "prompt_text", text)

    def undo(self, track_id: int) -> None:
        """Take back the newest bar of an agent."""
        self.answers.undo(self.piece.agent_with_id(track_id))

    def redo(self, track_id: int) -> None:
        """Bring back what was taken back last of the newest bar of an agent."""
        self.answers.redo(self.piece.agent_with_id(track_id))

    def regenerate(self, bar: int, track_id: int) -> None:
        """Write a bar of an agent anew."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.regenerate(agent, self._bar(bar))

    def choose_take(self, bar: int, take: int, track_id: int) -> None:
        """Play another take of a bar of an agent."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.choose_take(agent, self._bar(bar), take)

    # --- requests: music and time ----------------------------------------------------------

    def note(
        self, track_id: int, pitch: int, velocity: int, onset: float, duration: float, bar: int
    ) -> None:
        """Keep a note of a bar; in an ended bar it counts from the next generation on (D15)."""
        sounding = BarNote(pitch, velocity or DEFAULT_VELOCITY, onset, duration)
        self.piece.add_note(track_id, self._bar(bar), sounding)
        self.answers.foresight.heard(track_id, self.stage.now)
        if velocity == 0:
            text = f"velocity 0 is taken as {DEFAULT_VELOCITY}; this is said once"
            self.stage.warn_once("velocity", "velocity", text)

    def remove_note(self, track_id: int, pitch: int, onset: float, bar: int) -> None:
        """Take a note out of a bar; that counts from the next generation on."""
        self.piece.remove_note(track_id, self._bar(bar), pitch, onset)

    def end_bar(self, bar: int, numerator: int, denominator: int) -> None:
        """Close a bar, and those skipped before it (D16), and want the next target."""
        if self._is_timekeeper():
            text = "the server ends the bars (parameter clock): bar/end is not used"
            self.stage.warn_once("clock", "clock", text)
            return
        self._close_bar(self._bar(bar), Meter(numerator, denominator), self.meant)

    def set_tempo(self, bpm: float) -> None:
        """The tempo from now on."""
        self.stage.tempo.set_tempo(bpm, self.stage.now)

    def announce_meter(self, bar: int, numerator: int, denominator: int) -> None:
        """The meter from a coming bar on (D49)."""
        meter = Meter(numerator, denominator)
        self.stage.announced[bar] = meter
        self._warn_if_foreign(meter)

    def transport(self, action: str, bar: int, end: int) -> None:
        """Play, stop, locate or loop; see the table."""
        stage, playhead = self.stage, self.stage.piece.playhead
        if action == "play":
            self._playing = True
            stage.tempo.bar_line(playhead, self.meant, stage.meter(max(0, playhead - 1)))
        elif action == "stop":
            self._playing = False
            self._stand_still()
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

    def panic(self) -> None:
        """Silence, now; the next bar end goes on."""
        self.answers.cancel()
        self.answers.flush()

    def _stand_still(self) -> None:
        """The music after the playhead will not come as it was foreseen."""
        self.answers.cancel()
        self.answers.restart()
        self.answers.flush()
        playhead = self.piece.playhead
        for agent in self.piece.agents:
            for kept in (agent.bars, agent.revisions, agent.takes):
                for bar in [bar for bar in kept if bar >= playhead]:
                    del kept[bar]
        self.stage.tempo.stop()

    def _close_bar(self, bar: int, meter: Meter, now: float) -> None:
        stage = self.stage
        self._warn_if_foreign(meter)
        is_new = bar >= stage.piece.playhead
        if skipped := stage.piece.end_bar(bar, meter):
            song_bar = stage.timeline.song_bar
            stage.say("bar/gap", song_bar(skipped.start), song_bar(skipped.stop - 1))
        if not is_new:
            return  # it has ended before: notes and meter count, nothing is asked for anew (D34)
        self._playing = True
        stage.tempo.bar_line(bar + 1, now, meter)
        self.answers.bar_ended(bar)
        self.answers.want_leading()
        stage.piece.forget_old_bars()

    def _bar(self, song_bar: int) -> int:
        return self.stage.timeline.bar_of(song_bar, self.stage.piece.playhead)

    # --- requests: parameters and attributes -----------------------------------------------

    def set_parameter(self, name: str, value: Any) -> None:
        """Set a parameter until it is changed."""
        self.stage.parameters.set(name, value)
        if self.state is State.RUNNING and name in scheduling.VISIBILITY_PARAMETERS:
            self._warn_if_blind()

    def set_parameter_once(self, name: str, value: Any) -> None:
        """Set a parameter for the next generation that starts (D24)."""
        self.stage.parameters.set_once(name, value)

    def reset_parameter(self, name: str) -> None:
        """Set a parameter back to its default."""
        self.stage.parameters.reset(name)

    def reset_all_parameters(self) -> None:
        """Set all parameters back to their defaults."""
        self.stage.parameters.reset_all()

    def set_attribute(self, name: str, level: int) -> None:
        """Ask for an attribute level of the agents' music; negative removes the wish."""
        self._set_attribute(self.stage.attributes, name, level, self.piece.agents)

    def set_agent_attribute(self, track_id: int, name: str, level: int) -> None:
        """The same for one agent."""
        agent = self.piece.agent_with_id(track_id)
        self._set_attribute(agent.attributes, name, level, [agent])

    def reset_all_attributes(self) -> None:
        """Remove all wishes, those for single agents too."""
        for wishes in (self.stage.attributes, *(a.attributes for a in self.piece.agents)):
            wishes.clear()

    def _set_attribute(
        self, wishes: dict[str, int], name: str, level: int, agents: Sequence[Track]
    ) -> None:
        attributes = self.stage.info.attributes
        info = attributes.get(name)
        if info is None:
            known = ", ".join(attributes) or "none"
            raise ProtocolError(Code.BAD_ARGUMENT, f"unknown attribute {name!r}; known: {known}")
        if level >= info.size:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} = {level}: a level below {info.size} is wanted"
            )
        if level < 0:
            wishes.pop(name, None)
            return
        if agents and not any(self.stage.applies(name, agent) for agent in agents):
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} is for {info.track_type} tracks; the agent is none"
            )
        wishes[name] = level

    # --- generation ------------------------------------------------------------------------

    def begin(self) -> Job:
        """Start the earliest wanted generation."""
        return self.answers.begin()

    def foreseen_job(self) -> Job | None:
        """What will soon be wanted, now that it is time to read ahead."""
        return self.answers.foreseen_job() if self._is_sounding() else None

    def on_prompt_state(self, job: Job, prompt: PromptState) -> None:
        """The model is about to begin."""
        self.answers.on_prompt_state(job, prompt)

    def on_notes(self, job: Job, attempt: int, bar: int, notes: Sequence[BarNote]) -> None:
        """Notes as they are sampled."""
        self.answers.on_notes(job, attempt, bar, notes)

    def on_result(self, job: Job, result: Result) -> None:
        """Bars are ready."""
        self.answers.on_result(job, result)

    def on_failure(self, job: Job, reason: str) -> None:
        """The generation brought nothing."""
        self.answers.on_failure(job, reason)

    def stand_still(self) -> None:
        """Wait for a bar end, or for transport, before time goes on (a journal that is resumed);
        the bars that agents have played ahead are kept."""
        self.answers.cancel()
        self.answers.restart()
        self.answers.flush()
        self.stage.tempo.stop()
        self._playing = False

    def go_on(self) -> None:
        """Write what was being written when the music broke off (a journal that is resumed)."""
        if self.state is State.RUNNING and self.piece.playhead:
            self.answers.want_missing()

    def adopt_bar(self, track_id: int, bar: int, notes: Sequence[BarNote]) -> None:
        """Take a bar that an agent played before (a journal that is resumed) into its history."""
        agent = self.piece.agent_with_id(track_id)
        self.answers.adopt(agent, self._bar(bar), notes)

    # --- warnings --------------------------------------------------------------------------

    def _warn_if_foreign(self, meter: Meter) -> None:
        seen = nearest_meter(meter, self.stage.info.meters)
        if seen != meter:
            text = f"{meter} is unknown to this checkpoint; the model sees {seen}"
            self.stage.warn_once(str(meter), "meter", text)

    def _warn_if_blind(self) -> None:
        if scheduling.human_bars_visible(self.stage.parameters.current()) == 0:
            self.stage.warn(
                "lookahead",
                "model_dim - lookahead_bars - num_anticipated_bars leaves no human bar visible: "
                "the agent plays blind",
            )
