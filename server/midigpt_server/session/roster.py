"""Who plays: tracks and agents come, go, and are set."""

from __future__ import annotations

from typing import Any

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.parameters import (
    CONDITIONING_PARAMETERS,
    PARAMETERS,
    TRACK_PARAMETERS,
)
from midigpt_server.session.answers import Answers
from midigpt_server.session.parameters import check_together
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage

DRUM_TRACK_TYPE = 11


class Roster:
    """Requests of the table about tracks and agents."""

    def __init__(self, stage: Stage, answers: Answers) -> None:
        self._stage = stage
        self._answers = answers

    def create_track(self, track_id: int, instrument: int, track_type: int, is_agent: bool) -> None:
        """Add a track at the end of the creation order."""
        self._create(track_id, instrument, track_type, is_agent)

    def create_agent(self, track_id: int, instrument: int, track_type: int, fallback: str) -> None:
        """Add an agent, beside others if there are some."""
        self._create(track_id, instrument, track_type, True, beside_others=True)
        self._stage.piece.track(track_id).parameters["fallback"] = fallback

    def _create(
        self, track_id: int, instrument: int, kind: int, is_agent: bool, beside_others: bool = False
    ) -> None:
        is_program = 0 <= instrument <= 127
        program = instrument if is_program else 0
        track = Track(track_id, program, kind == DRUM_TRACK_TYPE, is_agent)
        self._stage.piece.add_track(track, beside_others)
        if not is_program:
            self._stage.warn("instrument", f"instrument = {instrument} is not in 0..127; 0 is used")

    def remove_track(self, track_id: int) -> None:
        """Remove a conditioning track."""
        self._stage.piece.remove_track(track_id)

    def remove_agent(self, track_id: int) -> None:
        """Remove an agent, with what it has scheduled."""
        agent = self._stage.piece.agent_with_id(track_id)
        self._answers.forget(agent)
        self._answers.flush(agent)
        self._stage.piece.tracks.remove(agent)

    def set_ignore(self, track_id: int, ignored: bool) -> None:
        """Leave a conditioning track out of the prompt, or take it back in."""
        track = self._stage.piece.track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.UNKNOWN_TRACK, f"track {track_id} is the agent: not ignorable")
        track.ignored = ignored

    def set_track_parameter(self, track_id: int, name: str, value: Any) -> None:
        """Set a parameter of one track."""
        track = self._stage.piece.track(track_id)
        table = TRACK_PARAMETERS if track.is_agent else CONDITIONING_PARAMETERS
        if name not in table:
            kind = "an agent" if track.is_agent else "a conditioning track"
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{kind} has no parameter {name!r}, only {', '.join(table)}"
            )
        parsed = table[name].parse(value)
        models = self._stage.info.models
        if name == "model" and parsed not in models:
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"model = {parsed!r}: this server has only {', '.join(models)}"
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
        check_together({**self._stage.parameters.current(), **own})
        track.parameters = changed
        if name == "mute" and parsed:
            self._answers.forget(track)
            self._answers.flush(track)

    def set_prompt_text(self, text: str, track_id: int) -> None:
        """Tell one agent, or all, what to play in words."""
        piece = self._stage.piece
        agents = piece.agents if track_id == -1 else [piece.agent_with_id(track_id)]
        for agent in agents:
            self.set_track_parameter(agent.id, "prompt_text", text)
