"""What the parts of a session share: the music, the settings, the time, and what is to be said."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import reply
from midigpt_server.protocol.parameters import PARAMETERS
from midigpt_server.protocol.states import State
from midigpt_server.session.observer import JobTiming
from midigpt_server.session.parameters import ParameterValues
from midigpt_server.session.piece import KEPT_BARS, Piece, Track
from midigpt_server.session.player import Player
from midigpt_server.timing.bars import Meter
from midigpt_server.timing.tempo_map import TempoMap
from midigpt_server.timing.timeline import Timeline

log = logging.getLogger(__name__)


class Stage:
    """Bars are counted as they sound; only what is said to the client has its own numbers."""

    def __init__(
        self,
        info: ModelInfo,
        defaults: Mapping[str, Any],
        session_id: str = "",
        kept_bars: int = KEPT_BARS,
    ) -> None:
        self.info = info
        self.session_id = session_id
        self.name = ""
        self.state = State.UNINITIALIZED
        self.now = 0.0  # seconds of the server's clock
        self.replies: list[Message] = []
        self.timings: list[JobTiming] = []
        self._defaults = defaults
        self._kept_bars = kept_bars
        self.clear()

    def clear(self) -> None:
        """Begin anew; what is to be said stays."""
        self.piece = Piece(self._kept_bars)
        self.parameters = ParameterValues(
            self._defaults, self.info.window_lengths, self.info.has_mask_token
        )
        self.attributes: dict[str, int] = {}
        self.tempo = TempoMap()
        self.timeline = Timeline()
        self.player = Player()
        self.announced: dict[int, Meter] = {}  # by the client's bars, from each one on
        self.said: set[str] = set()

    # --- time ------------------------------------------------------------------------------

    def meter(self, bar: int) -> Meter:
        """The meter of a bar: as it ended, as announced (D49), else that of the last ended bar."""
        ended, playhead = self.piece.meters, self.piece.playhead
        last = ended.get(playhead - 1)
        if bar < playhead:
            return ended.get(bar) or last or Meter()
        if not self.announced:
            return last or Meter()
        song_bar = self.timeline.song_bar(bar)
        since = max((b for b in self.announced if b <= song_bar), default=None)
        if since is None or (last and self._is_in(self.timeline.song_bar(playhead - 1), since)):
            return last or Meter()
        return self.announced[since]

    def time_of(self, bar: int, fraction: float = 0.0) -> float | None:
        """When a place in a bar sounds, if the session knows."""
        return self.tempo.time_of(bar, self.meter, fraction)

    def beat_seconds(self, bar: int) -> float | None:
        """Length of a beat of the bar's meter, if the tempo is known."""
        quarter = self.tempo.quarter_seconds
        return quarter and quarter * 4 / self.meter(bar).denominator

    # --- settings --------------------------------------------------------------------------

    def value(self, agent: Track, name: str) -> Any:
        """One of the parameters that hold for an agent."""
        return agent.parameters.get(name, self.parameters.persistent[name])

    def values_of(self, agent: Track) -> dict[str, Any]:
        """The parameters that hold for an agent, one-shots left out."""
        own = {name: v for name, v in agent.parameters.items() if name in PARAMETERS}
        return {**self.parameters.persistent, **own}

    def attributes_of(self, agent: Track) -> dict[str, int]:
        """The attribute levels wished for an agent, those that apply to it."""
        wished = {**self.attributes, **agent.attributes}
        return {name: level for name, level in wished.items() if self.applies(name, agent)}

    def applies(self, attribute: str, agent: Track | None) -> bool:
        """Whether an attribute is for tracks of the agent's kind."""
        wanted = self.info.attributes[attribute].track_type
        return agent is None or wanted in ("both", "drum" if agent.is_drum else "melodic")

    # --- words -----------------------------------------------------------------------------

    def say(self, name: str, *values: Any, time: float | None = None) -> None:
        """A message for the players, dated if ``time`` is given."""
        message = reply(name, *values)
        self.replies.append(message if time is None else message._replace(time=time))

    def warn(self, topic: str, text: str) -> None:
        """Something was accepted but changed or is unlikely to be meant."""
        log.warning("session=%r %s: %s", self.name, topic, text)
        self.say("warning", topic, text)

    def warn_once(self, key: str, topic: str, text: str) -> None:
        """The same, but once in a session."""
        if key not in self.said:
            self.said.add(key)
            self.warn(topic, text)

    def _is_in(self, song_bar: int, since: int) -> bool:
        """Whether the announcement of bar ``since`` holds in ``song_bar`` too."""
        return max((b for b in self.announced if b <= song_bar), default=None) == since
