"""One session: a state machine without I/O, threads or clock.

Requests come in as the methods that the table of :mod:`midigpt_server.protocol` names, events of a
generation as :meth:`Session.on_prompt_state`, :meth:`Session.on_result` and
:meth:`Session.on_failure`. All that the client must hear is collected in order and taken with
:meth:`Session.take_replies`. A session is used by one thread only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midigpt_server.generation.job import Job, PromptState, Result
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import error, reply
from midigpt_server.protocol.parameters import CONDITIONING_PARAMETERS, TRACK_PARAMETERS
from midigpt_server.protocol.states import State
from midigpt_server.session import scheduling
from midigpt_server.session.delivery import bar_messages
from midigpt_server.session.parameters import ParameterValues
from midigpt_server.session.piece import Piece, Track
from midigpt_server.session.snapshot import freeze
from midigpt_server.timing.bars import BarNote, Meter, nearest_meter

DRUM_TRACK_TYPE = 11
DEFAULT_VELOCITY = 80
SNAPSHOT_BARS = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A generation that shall start as soon as the generator is free."""

    target: int
    values: dict[str, Any]  # persistent parameters of the moment of the bar end


class Session:
    """The state machine. ``defaults`` are start-up overrides of the parameter table.

    Requests raise :class:`~midigpt_server.protocol.errors.ProtocolError` or
    :class:`~midigpt_server.protocol.fields.BadValueError` when refused, and have then changed
    nothing.
    """

    def __init__(
        self, info: ModelInfo, defaults: Mapping[str, Any] | None = None, session_id: str = ""
    ) -> None:
        self.id = session_id
        self._info = info
        self._defaults = {"mask_mode": info.mask_mode, **(defaults or {})}
        self._replies: list[Message] = []
        self.state = State.UNINITIALIZED
        self.name = ""
        self.reply_port: int | None = None
        self.job: Job | None = None  # running
        self.wanted: Wanted | None = None  # waiting
        self._clear()

    def _clear(self) -> None:
        self.piece = Piece()
        self.parameters = ParameterValues(
            self._defaults, self._info.window_lengths, self._info.has_mask_token
        )
        self.attributes: dict[str, int] = {}
        self._said: set[str] = set()

    def take_replies(self) -> list[Message]:
        """The messages for the client since the last call, in order."""
        replies, self._replies = self._replies, []
        return replies

    # --- requests: session -----------------------------------------------------------------

    def init(self, name: str, reply_port: int, session_id: str = "") -> None:
        """Begin anew: no tracks, no bars, default parameters, no attributes."""
        self._cancel()
        self._clear()
        self.name = name
        self.reply_port = reply_port or None
        self.state = State.INITIALIZING
        self._reply("capabilities", self._info.capabilities())
        self._reply("model", self._info.details())
        self._reply("session/id", self.id)
        self._reply("session/ready")

    def start(self) -> None:
        """Begin to play, if there is somebody to play with."""
        if self.piece.agent is None:
            raise ProtocolError(Code.NO_AGENT, "no agent track: create one with is_agent 1")
        if len(self.piece.tracks) == 1:
            raise ProtocolError(
                Code.WRONG_STATE, "no conditioning track: create one with is_agent 0"
            )
        values = self.parameters.current()
        if values["buffer_bars"] > values["model_dim"]:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"buffer_bars = {values['buffer_bars']} must not exceed "
                f"model_dim = {values['model_dim']}",
            )
        self.state = State.RUNNING
        self._reply("session/started")
        self._warn_if_blind()
        for name in self.attributes:
            if not self._is_applicable(name):
                self._warn("attribute", f"{name} does not apply to this agent; it has no effect")

    def stop(self) -> None:
        """End; what is being generated is dropped."""
        self._cancel()
        self.state = State.STOPPED
        self._reply("session/stopped")

    def query(self) -> None:
        """Tell everything about the session but its notes."""
        self._reply("session/state", self.describe())

    def describe(self) -> dict[str, Any]:
        """State, tracks and parameters, as JSON values."""
        return {
            "state": self.state.value,
            "name": self.name,
            "playhead": self.piece.playhead,
            "tracks": [
                {
                    "track_id": track.id,
                    "instrument": track.instrument,
                    "is_drum": track.is_drum,
                    "is_agent": track.is_agent,
                    "ignored": track.ignored,
                    "parameters": track.parameters,
                }
                for track in self.piece.tracks
            ],
            "parameters": self.parameters.persistent,
            "once": self.parameters.once,
            "attributes": self.attributes,
            "generating": self.job.target if self.job else None,
            "waiting": self.wanted.target if self.wanted else None,
        }

    def snapshot(self) -> dict[str, Any]:
        """The same with the notes of the last ``SNAPSHOT_BARS`` bars."""
        description = self.describe()
        first = max(0, self.piece.playhead - SNAPSHOT_BARS)
        for track, told in zip(self.piece.tracks, description["tracks"], strict=True):
            told["bars"] = {
                bar: [[n.pitch, n.velocity, round(n.onset, 4), round(n.duration, 4)] for n in notes]
                for bar, notes in sorted(track.bars.items())
                if bar >= first and notes
            }
        return description

    # --- requests: tracks ------------------------------------------------------------------

    def create_track(self, track_id: int, instrument: int, track_type: int, is_agent: bool) -> None:
        """Add a track at the end of the creation order."""
        is_program = 0 <= instrument <= 127
        self.piece.add_track(
            Track(
                track_id,
                instrument if is_program else 0,
                track_type == DRUM_TRACK_TYPE,
                is_agent,
            )
        )
        if not is_program:
            self._warn("instrument", f"instrument = {instrument} is not in 0..127; 0 is used")

    def remove_track(self, track_id: int) -> None:
        """Remove a conditioning track."""
        self.piece.remove_track(track_id)

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
            kind = "the agent" if track.is_agent else "a conditioning track"
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{kind} has no parameter {name!r}, only {', '.join(table)}"
            )
        parsed = table[name].parse(value)
        if name == "ignore":
            track.ignored = parsed
            return
        changed = {**track.parameters, name: parsed}
        low, high = changed.get("min_pitch", 0), changed.get("max_pitch", 127)
        if low > high:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} = {parsed}: min_pitch {low} is above max_pitch {high}"
            )
        track.parameters = changed

    # --- requests: music -------------------------------------------------------------------

    def note(
        self, track_id: int, pitch: int, velocity: int, onset: float, duration: float, bar: int
    ) -> None:
        """Keep a note of a bar; in an ended bar it counts from the next generation on (D15)."""
        sounding = BarNote(pitch, velocity or DEFAULT_VELOCITY, onset, duration)
        self.piece.add_note(track_id, bar, sounding)
        if velocity == 0 and "velocity" not in self._said:
            self._said.add("velocity")
            self._warn("velocity", f"velocity 0 is taken as {DEFAULT_VELOCITY}; this is said once")

    def end_bar(self, bar: int, numerator: int, denominator: int) -> None:
        """Close a bar, and those skipped before it (D16), and want the next target."""
        meter = Meter(numerator, denominator)
        seen = nearest_meter(meter, self._info.meters)
        if seen != meter and str(meter) not in self._said:
            self._said.add(str(meter))
            self._warn("meter", f"{meter} is unknown to this checkpoint; the model sees {seen}")
        if skipped := self.piece.end_bar(bar, meter):
            self._reply("bar/gap", skipped.start, skipped.stop - 1)
        self._want_next(bar)

    def _want_next(self, ended_bar: int) -> None:
        playhead, values = self.piece.playhead, self.parameters.current()
        target = scheduling.target_bar(playhead, values)
        if missing := scheduling.bars_missing(playhead, values):
            self._reply("bar/buffering", ended_bar, missing, target + missing)
            return
        skipped = self.wanted
        self.wanted = Wanted(target, dict(self.parameters.persistent))
        if skipped is not None and skipped.target < target and self.piece.agent is not None:
            self._reply(
                "generation/skipped", self.piece.agent.id, skipped.target, target - 1, "too late"
            )

    # --- requests: parameters and attributes -----------------------------------------------

    def set_parameter(self, name: str, value: Any) -> None:
        """Set a parameter until it is changed."""
        self.parameters.set(name, value)
        if self.state is State.RUNNING and name in scheduling.VISIBILITY_PARAMETERS:
            self._warn_if_blind()

    def set_parameter_once(self, name: str, value: Any) -> None:
        """Set a parameter for the next generation that starts (D24)."""
        self.parameters.set_once(name, value)

    def reset_parameter(self, name: str) -> None:
        """Set a parameter back to its default."""
        self.parameters.reset(name)

    def reset_all_parameters(self) -> None:
        """Set all parameters back to their defaults."""
        self.parameters.reset_all()

    def set_attribute(self, name: str, level: int) -> None:
        """Ask for an attribute level of the agent's music; negative removes the wish."""
        info = self._info.attributes.get(name)
        if info is None:
            known = ", ".join(self._info.attributes) or "none"
            raise ProtocolError(Code.BAD_ARGUMENT, f"unknown attribute {name!r}; known: {known}")
        if level >= info.size:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} = {level}: a level below {info.size} is wanted"
            )
        if level < 0:
            self.attributes.pop(name, None)
            return
        if not self._is_applicable(name):
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} is for {info.track_type} tracks; the agent is none"
            )
        self.attributes[name] = level

    def reset_all_attributes(self) -> None:
        """Remove all wishes."""
        self.attributes.clear()

    # --- generation ------------------------------------------------------------------------

    def begin(self) -> Job:
        """Start the wanted generation: freeze a snapshot and bind the one-shot parameters to it."""
        assert self.wanted is not None and self.job is None
        wanted, self.wanted = self.wanted, None
        values = {**wanted.values, **self.parameters.bind_once()}
        attributes = {n: v for n, v in self.attributes.items() if self._is_applicable(n)}
        self.job = freeze(self.piece, wanted.target, values, attributes, self._info.meters)
        self._reply("status", "generating")
        return self.job

    def on_prompt_state(self, job: Job, prompt: PromptState) -> None:
        """The model is about to begin; ignored if the job is not this session's any more."""
        if job is not self.job:
            return
        tracks = [
            {
                "id": index,
                "track_id": track.id,
                "is_agent": track.is_agent,
                "states": list(prompt.states[track.id]),
            }
            for index, track in enumerate(job.tracks)
            if track.id in prompt.states
        ]
        self._reply(
            "prompt/state",
            {
                "target_bar": job.target,
                "start_bar": prompt.start_bar,
                "end_bar": prompt.end_bar,
                "tracks": tracks,
            },
        )
        if prompt.dropped:
            reason = "the prompt would not fit the model's context"
            self._reply(
                "prompt/dropped",
                {"target_bar": job.target, "tracks": list(prompt.dropped), "reason": reason},
            )

    def on_result(self, job: Job, result: Result) -> None:
        """Bars are ready: they become the agent's history, those from the target on are sent."""
        if job is not self.job:
            return
        history = self.piece.track(job.agent.id).bars
        for bar in range(job.write_from, job.deliver_end):
            history[bar] = list(result.bars.get(bar, ()))
        for bar in range(job.target, job.deliver_end):
            self._replies += bar_messages(
                job.agent.id,
                bar,
                history[bar],
                job.meter(bar),
                self._info.decode_resolution,
                job.values["long_notes"],
            )
        if result.attributes:
            self._reply(
                "sampled/attrs",
                {
                    "start_bar": job.target,
                    "end_bar": job.deliver_end,
                    "track_id": job.agent.id,
                    "attrs": result.attributes,
                    "requested": job.attributes,
                },
            )
        self._finish(used=True)

    def on_failure(self, job: Job, reason: str) -> None:
        """The generation brought nothing."""
        if job is not self.job:
            return
        self._replies.append(error(Code.GENERATION_FAILED, f"bar {job.target}: {reason}"))
        self._finish(used=False)

    def _cancel(self) -> None:
        """Nothing of a running generation will be heard of any more (D08, D09)."""
        self.wanted = None
        if self.job is not None:
            self.job.cancel.set()
            self._finish(used=False)

    def _finish(self, used: bool) -> None:
        self.job = None
        self.parameters.release_once(used)
        self._reply("status", "ready")

    # --- helpers ---------------------------------------------------------------------------

    def _is_applicable(self, attribute: str) -> bool:
        agent = self.piece.agent
        wanted = self._info.attributes[attribute].track_type
        return agent is None or wanted in ("both", "drum" if agent.is_drum else "melodic")

    def _warn_if_blind(self) -> None:
        if scheduling.human_bars_visible(self.parameters.current()) == 0:
            self._warn(
                "lookahead",
                "model_dim - lookahead_bars - num_anticipated_bars leaves no human bar visible: "
                "the agent plays blind",
            )

    def _warn(self, topic: str, text: str) -> None:
        log.warning("session=%r %s: %s", self.name, topic, text)
        self._reply("warning", topic, text)

    def _reply(self, name: str, *values: Any) -> None:
        self._replies.append(reply(name, *values))
