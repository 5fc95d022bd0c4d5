"""What is wished: parameters and attribute levels, of the session and of single agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.states import State
from midigpt_server.session import scheduling
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage


class Wishes:
    """Requests of the table about parameters and attributes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def set_parameter(self, name: str, value: Any) -> None:
        """Set a parameter until it is changed."""
        self._stage.parameters.set(name, value)
        if self._stage.state is State.RUNNING and name in scheduling.VISIBILITY_PARAMETERS:
            self.warn_if_blind()

    def set_parameter_once(self, name: str, value: Any) -> None:
        """Set a parameter for the next generation that starts (D24)."""
        self._stage.parameters.set_once(name, value)

    def reset_parameter(self, name: str) -> None:
        """Set a parameter back to its default."""
        self._stage.parameters.reset(name)

    def reset_all_parameters(self) -> None:
        """Set all parameters back to their defaults."""
        self._stage.parameters.reset_all()

    def set_attribute(self, name: str, level: int) -> None:
        """Ask for an attribute level of the agents' music; negative removes the wish."""
        self._set_attribute(self._stage.attributes, name, level, self._stage.piece.agents)

    def set_agent_attribute(self, track_id: int, name: str, level: int) -> None:
        """The same for one agent."""
        agent = self._stage.piece.agent_with_id(track_id)
        self._set_attribute(agent.attributes, name, level, [agent])

    def reset_all_attributes(self) -> None:
        """Remove all wishes, those for single agents too."""
        for wishes in (self._stage.attributes, *(a.attributes for a in self._stage.piece.agents)):
            wishes.clear()

    def warn_if_without_effect(self) -> None:
        """Say so when an attribute is wished that applies to no agent."""
        for name in self._stage.attributes:
            if not any(self._stage.applies(name, agent) for agent in self._stage.piece.agents):
                text = f"{name} does not apply to this agent; it has no effect"
                self._stage.warn("attribute", text)

    def _set_attribute(
        self, wishes: dict[str, int], name: str, level: int, agents: Sequence[Track]
    ) -> None:
        attributes = self._stage.info.attributes
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
        if agents and not any(self._stage.applies(name, agent) for agent in agents):
            raise ProtocolError(
                Code.BAD_ARGUMENT, f"{name} is for {info.track_type} tracks; the agent is none"
            )
        wishes[name] = level

    def warn_if_blind(self) -> None:
        """Say so when no human bar can be seen."""
        if scheduling.human_bars_visible(self._stage.parameters.current()) == 0:
            self._stage.warn(
                "lookahead",
                "model_dim - lookahead_bars - num_anticipated_bars leaves no human bar visible: "
                "the agent plays blind",
            )
