"""One session: its state, tracks, bars and parameters. No I/O, no threads, no clock.

Requests come in as method calls named in :mod:`midigpt_server.protocol`, events of a generation as
:meth:`Session.on_prompt_state`, :meth:`Session.on_result` and :meth:`Session.on_failure`. All that
the client must hear is collected in order and taken with :meth:`Session.take_replies`. A session is
used by one thread only.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from midigpt_server import features, scheduling
from midigpt_server.job import Cancellation, Job, JobTrack, PromptState, Result
from midigpt_server.model_info import ModelInfo
from midigpt_server.osc import Message
from midigpt_server.parameters import CONDITIONING_PARAMETERS, TRACK_PARAMETERS, ParameterValues
from midigpt_server.replies import Code, ProtocolError, error, reply
from midigpt_server.timing import (
    MAX_ONSET_OUT,
    MIN_DURATION_OUT,
    BarNote,
    Meter,
    nearest_meter,
)

DRUM_TRACK_TYPE = 11
DEFAULT_VELOCITY = 80
MAX_NOTES_PER_BAR = 1024  # of one track
MAX_TRACKS = 64

log = logging.getLogger(__name__)


class State(Enum):
    """The state of a session."""

    UNINITIALIZED = "UNINITIALIZED"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


@dataclass
class Track:
    """One track of the session; ``bars`` holds notes by absolute bar index."""

    id: int
    instrument: int
    is_drum: bool
    is_agent: bool
    ignored: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    bars: dict[int, list[BarNote]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Wanted:
    """A generation that shall start as soon as the generator is free."""

    target: int
    values: dict[str, Any]  # persistent parameters of the moment of the bar end


class Session:
    """The state machine. ``defaults`` are start-up overrides of the parameter table."""

    def __init__(self, info: ModelInfo, defaults: Mapping[str, Any] | None = None) -> None:
        self._info = info
        self._defaults = {"mask_mode": info.mask_mode, **(defaults or {})}
        self._replies: list[Message] = []
        self._warned: set[str] = set()
        self.state = State.UNINITIALIZED
        self.name = ""
        self.reply_port: int | None = None
        self.job: Job | None = None  # running
        self.wanted: Wanted | None = None  # waiting
        self._clear()

    def _clear(self) -> None:
        self.parameters = ParameterValues(
            self._defaults, self._info.window_lengths, self._info.has_mask_token
        )
        self.tracks: list[Track] = []
        self.meters: list[Meter] = []  # of the ended bars
        self.attributes: dict[str, int] = {}
        self._warned.clear()

    @property
    def playhead(self) -> int:
        """The number of completed bars."""
        return len(self.meters)

    @property
    def agent(self) -> Track | None:
        """The track that the model writes."""
        return next((track for track in self.tracks if track.is_agent), None)

    def take_replies(self) -> list[Message]:
        """The messages for the client since the last call, in order."""
        replies, self._replies = self._replies, []
        return replies

    # --- requests: session -----------------------------------------------------------------

    def init(self, name: str, reply_port: int) -> None:
        """Begin anew: no tracks, no bars, default parameters, no attributes."""
        self._cancel()
        self._clear()
        self.name = name
        self.reply_port = reply_port or None
        self.state = State.INITIALIZING
        self._reply("capabilities", self._info.capabilities())
        self._reply("model", self._info.details())
        self._reply("session/ready")

    def start(self) -> None:
        """Begin to play, if there is somebody to play with."""
        if self.agent is None:
            raise ProtocolError(Code.NO_AGENT, "no agent track: create one with is_agent 1")
        if len(self.tracks) == 1:
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
        self._warn_if_blind(values)
        for name in self.attributes:
            if not self._is_applicable(name):
                self._warn("attribute", f"{name} does not apply to this agent; it has no effect")

    def stop(self) -> None:
        """End; what is being generated is dropped."""
        self._cancel()
        self.state = State.STOPPED
        self._reply("session/stopped")

    def query(self) -> None:
        """Tell everything about the session."""
        self._reply(
            "session/state",
            {
                "state": self.state.value,
                "name": self.name,
                "playhead": self.playhead,
                "tracks": [
                    {
                        "track_id": track.id,
                        "instrument": track.instrument,
                        "is_drum": track.is_drum,
                        "is_agent": track.is_agent,
                        "ignored": track.ignored,
                        "parameters": track.parameters,
                    }
                    for track in self.tracks
                ],
                "parameters": self.parameters.persistent,
                "once": self.parameters.once,
                "attributes": self.attributes,
                "generating": self.job.target if self.job else None,
                "waiting": self.wanted.target if self.wanted else None,
            },
        )

    # --- requests: tracks ------------------------------------------------------------------

    def create_track(self, track_id: int, instrument: int, track_type: int, is_agent: bool) -> None:
        """Add a track at the end of the creation order."""
        if any(track.id == track_id for track in self.tracks):
            raise ProtocolError(Code.TRACK_EXISTS, f"track_id {track_id} is already used")
        if is_agent and self.agent is not None:
            raise ProtocolError(
                Code.SECOND_AGENT, f"track {self.agent.id} is the agent already; one is allowed"
            )
        if len(self.tracks) >= MAX_TRACKS:
            raise ProtocolError(Code.BAD_ARGUMENT, f"a session has at most {MAX_TRACKS} tracks")
        if not 0 <= instrument <= 127:
            self._warn("instrument", f"instrument = {instrument} is not in 0..127; 0 is used")
            instrument = 0
        self.tracks.append(
            Track(track_id, instrument, track_type == DRUM_TRACK_TYPE, bool(is_agent))
        )

    def remove_track(self, track_id: int) -> None:
        """Remove a conditioning track."""
        track = self._track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.WRONG_STATE, f"track {track_id} is the agent: not removable")
        self.tracks.remove(track)

    def set_ignore(self, track_id: int, ignored: bool) -> None:
        """Leave a conditioning track out of the prompt, or take it back in."""
        track = self._track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.UNKNOWN_TRACK, f"track {track_id} is the agent: not ignorable")
        track.ignored = ignored

    def set_track_parameter(self, track_id: int, name: str, value: Any) -> None:
        """Set a parameter of one track."""
        track = self._track(track_id)
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
        """Keep a note of a bar, ended or not; it counts from the next generation on (D15).

        A negative duration is that of a note held over the bar line and sent with the next bar's
        index: it began one bar earlier. An onset of 1.0 is the next bar line.
        """
        track = self._track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.NOTE_FOR_AGENT, f"track {track_id} is the agent: note dropped")
        if velocity == 0:
            self._warn_once(
                "velocity", f"notes with velocity 0 are taken as {DEFAULT_VELOCITY} (said once)"
            )
            velocity = DEFAULT_VELOCITY
        if duration < 0 and bar > 0:
            bar, duration = bar - 1, duration + 1.0
        if onset >= 1.0:
            bar, onset = bar + 1, 0.0
        notes = track.bars[bar]
        if len(notes) >= MAX_NOTES_PER_BAR:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"bar {bar} of track {track_id} has {len(notes)} notes: full"
            )
        notes.append(BarNote(pitch, velocity, onset, max(0.0, duration)))

    def end_bar(self, bar: int, numerator: int, denominator: int) -> None:
        """Close a bar, and those skipped before it (D16), and want the next target."""
        meter = Meter(numerator, denominator)
        if nearest_meter(meter, self._info.meters) != meter:
            self._warn(
                "meter",
                f"{meter} is unknown to this checkpoint; the model sees "
                f"{nearest_meter(meter, self._info.meters)}",
            )
        if bar < self.playhead:
            self.meters[bar] = meter
        else:
            if bar > self.playhead:
                self._reply("bar/gap", self.playhead, bar - 1)
            self.meters.extend([meter] * (bar + 1 - self.playhead))
        self._want_next(bar)

    def _want_next(self, ended_bar: int) -> None:
        values = self.parameters.current()
        missing = scheduling.bars_missing(self.playhead, values)
        target = scheduling.target_bar(self.playhead, values)
        if missing:
            self._reply("bar/buffering", ended_bar, missing, target + missing)
            return
        skipped = self.wanted
        self.wanted = Wanted(target, dict(self.parameters.persistent))
        if skipped is not None and skipped.target < target and self.agent is not None:
            self._reply(
                "generation/skipped", self.agent.id, skipped.target, target - 1, "newer target"
            )

    # --- requests: parameters and attributes -----------------------------------------------

    def set_parameter(self, name: str, value: Any) -> None:
        """Set a parameter until it is changed."""
        self.parameters.set(name, value)
        if self.state is State.RUNNING and name in ("lookahead_bars", "model_dim"):
            self._warn_if_blind(self.parameters.current())

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
        if self.agent is not None and not self._is_applicable(name):
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
        assert self.wanted is not None and self.agent is not None and self.job is None
        wanted, self.wanted = self.wanted, None
        values = {**wanted.values, **self.parameters.bind_once()}
        self.job = self._snapshot(wanted.target, values)
        self._reply("status", "generating")
        return self.job

    def on_prompt_state(self, job: Job, prompt: PromptState) -> None:
        """The model is about to begin."""
        if job is not self.job:
            return
        self._reply(
            "prompt/state",
            {
                "target_bar": job.target,
                "start_bar": prompt.start_bar,
                "end_bar": prompt.end_bar,
                "tracks": [
                    {
                        "id": index,
                        "track_id": track.id,
                        "is_agent": track.is_agent,
                        "states": list(prompt.states[track.id]),
                    }
                    for index, track in enumerate(job.tracks)
                    if track.id in prompt.states
                ],
            },
        )
        if prompt.dropped:
            self._reply(
                "prompt/dropped",
                {
                    "target_bar": job.target,
                    "tracks": list(prompt.dropped),
                    "reason": "the prompt would not fit the model's context",
                },
            )

    def on_result(self, job: Job, result: Result) -> None:
        """Bars are ready: keep them as the agent's history and deliver those from the target on."""
        if job is not self.job or self.agent is None:
            return
        for bar, notes in result.bars.items():
            if bar < job.deliver_end:
                self.agent.bars[bar] = list(notes)
        for bar in range(job.target, job.deliver_end):
            self._deliver(job, bar, result.bars.get(bar, ()))
        if result.attributes:
            self._reply(
                "sampled/attrs",
                {
                    "start_bar": job.target,
                    "end_bar": job.deliver_end,
                    "attrs": result.attributes,
                },
            )
        self._finish(used=True)

    def on_failure(self, job: Job, reason: str) -> None:
        """The generation brought nothing."""
        if job is not self.job:
            return
        self._replies.append(error(Code.GENERATION_FAILED, f"bar {job.target}: {reason}"))
        self._finish(used=False)

    def _deliver(self, job: Job, bar: int, notes: tuple[BarNote, ...]) -> None:
        track_id = job.agent.id
        longest = float("inf") if job.values["long_notes"] else 1.0
        self._reply("generated/open", track_id, bar, len(notes))
        for note in notes:
            self._reply(
                "generated/note",
                track_id,
                bar,
                note.pitch,
                note.velocity,
                min(max(note.onset, 0.0), MAX_ONSET_OUT),
                min(max(note.duration, MIN_DURATION_OUT), longest),
            )
        self._reply("generated/close", track_id, bar)
        if notes:
            meter = job.meter(bar)
            bar_ticks = meter.ticks(self._info.decode_resolution)
            self._reply(
                "generated/features",
                track_id,
                bar,
                *features.of_bar(notes, meter.numerator, bar_ticks),
            )

    def _finish(self, used: bool) -> None:
        self.job = None
        self.parameters.release_once(used)
        self._reply("status", "ready")

    def _cancel(self) -> None:
        self.wanted = None
        if self.job is not None:
            self.job.cancel.set()
            self._finish(used=False)

    def _snapshot(self, target: int, values: dict[str, Any]) -> Job:
        agent = self.agent
        assert agent is not None
        end = scheduling.score_end(target, values)
        window = end - values["model_dim"]
        policy = values["warmup_policy"]
        bootstrap = policy in ("b", "b_collapse") and not any(b < target for b in agent.bars)
        first = 0 if bootstrap and policy == "b" else window
        write_from = first if bootstrap else target
        bars = range(first, end)
        return Job(
            target=target,
            deliver_end=target + values["num_anticipated_bars"],
            playhead=self.playhead,
            first_bar=first,
            end_bar=end,
            write_from=write_from,
            tracks=tuple(_frozen(track, bars, write_from, self.playhead) for track in self.tracks),
            meters=tuple(self._meter(bar) for bar in bars),
            hidden_agent_bars=tuple(bar for bar in bars[: target - first] if not agent.bars.get(bar))
            if policy == "a_masked"
            else (),
            attributes={n: v for n, v in self.attributes.items() if self._is_applicable(n)},
            values=values,
            track_values=dict(agent.parameters),
            cancel=Cancellation(values["gen_timeout"]),
        )

    # --- helpers ---------------------------------------------------------------------------

    def _meter(self, bar: int) -> Meter:
        """The meter that the model sees; bars not yet ended take that of the last ended one."""
        if not self.meters:
            return nearest_meter(Meter(), self._info.meters)
        return nearest_meter(self.meters[min(bar, self.playhead - 1)], self._info.meters)

    def _track(self, track_id: int) -> Track:
        for track in self.tracks:
            if track.id == track_id:
                return track
        raise ProtocolError(Code.UNKNOWN_TRACK, f"unknown track_id {track_id}")

    def _is_applicable(self, attribute: str) -> bool:
        agent = self.agent
        wanted = self._info.attributes[attribute].track_type
        return agent is None or wanted in ("both", "drum" if agent.is_drum else "melodic")

    def _warn_if_blind(self, values: Mapping[str, Any]) -> None:
        if scheduling.human_bars_visible(values) == 0:
            self._warn(
                "lookahead",
                "model_dim - lookahead_bars - num_anticipated_bars leaves no human bar visible: "
                "the agent plays blind",
            )

    def _warn(self, topic: str, text: str) -> None:
        log.warning("session=%s %s: %s", self.name, topic, text)
        self._reply("warning", topic, text)

    def _warn_once(self, topic: str, text: str) -> None:
        if topic not in self._warned:
            self._warned.add(topic)
            self._warn(topic, text)

    def _reply(self, name: str, *values: Any) -> None:
        self._replies.append(reply(name, *values))


def _frozen(track: Track, bars: range, write_from: int, playhead: int) -> JobTrack:
    visible = range(bars.start, write_from if track.is_agent else playhead)
    return JobTrack(
        track.id,
        track.instrument,
        track.is_drum,
        track.is_agent,
        track.ignored,
        tuple(tuple(track.bars.get(bar, ())) if bar in visible else () for bar in bars),
    )
