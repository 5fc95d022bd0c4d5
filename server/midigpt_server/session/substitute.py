"""What is played instead of a bar that cannot be ready: the agent's fallback policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midigpt_server.session.delivery import Delivery
from midigpt_server.session.fallback import fallback_bar
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote

_OWN_BARS = 8  # bars back that a fallback looks for notes


class Substitute:
    """Fills bars at once."""

    def __init__(self, stage: Stage, delivery: Delivery) -> None:
        self._stage = stage
        self._delivery = delivery

    def fill(self, wanted: Wanted, reason: str) -> None:
        """The agent's fallback policy plays the bars, if it has one; those that are over are told,
        and empty."""
        stage, agent, values = self._stage, wanted.agent, wanted.values
        if values["fallback"] == "none" or agent not in stage.piece.tracks:
            return
        for bar in range(max(wanted.target, stage.piece.playhead - _OWN_BARS), wanted.end):
            is_over = bar < stage.piece.playhead
            policy = "rest" if is_over else str(values["fallback"])
            if not wanted.take:  # a bar that could not be written anew stays as it was
                agent.bars[bar] = list(self._fallback_notes(agent, bar, policy, values))
            stage.say("bar/fallback", agent.id, stage.timeline.song_bar(bar), policy, reason)
            self._delivery.drop(agent)
            self._delivery.whole_bar(agent, bar, agent.bars[bar], values)

    def _fallback_notes(
        self, agent: Track, bar: int, policy: str, values: Mapping[str, Any]
    ) -> tuple[BarNote, ...]:
        own = [
            (self._stage.meter(b), agent.bars.get(b, ()))
            for b in range(bar - 1, max(-1, bar - 1 - _OWN_BARS), -1)
        ]
        seed = values["sampling_seed"] + bar
        return fallback_bar(policy, own, self._stage.meter(bar), agent.is_drum, seed)
