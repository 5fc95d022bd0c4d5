"""The states of a session."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """The state of a session."""

    UNINITIALIZED = "UNINITIALIZED"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


ALWAYS = frozenset(State)
SET_UP = frozenset({State.INITIALIZING, State.RUNNING})
RUNNING = frozenset({State.RUNNING})
