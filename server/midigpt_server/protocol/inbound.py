"""The messages that a client may send: one table for dispatch, validation and the manual.

A row says the address, the states in which the message is legal, its arguments with types and
ranges, and the method of the session (or of the conductor) that takes them. The state is tested
first, then the number of arguments, then their values; a refused message changes nothing.
Further arguments are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from midigpt_server.protocol import osc
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.fields import BadValueError, Field
from midigpt_server.protocol.states import ALWAYS, RUNNING, SET_UP, State

MAX_BAR = 99_999  # 55 hours of two-second bars
MAX_DURATION = 64  # bars

_TRACK_ID = Field("track_id", "int", "any number chosen by the client, unique in the session")
_BAR = Field("bar_index", "int", "0-based, counted by the client", 0, MAX_BAR)
_SESSION_ID = Field("session_id", "string", "as session/id and sessions tell it")
_NAME = Field("name", "string", "name of the parameter")
_VALUE = Field("value", "any", "as the parameter's type and range say")


@dataclass(frozen=True)
class Inbound:
    """One kind of message from the client."""

    address: str
    handler: str  # method of Session, or of Conductor if of_server
    doc: str
    states: frozenset[State] = ALWAYS
    fields: tuple[Field, ...] = ()
    answers: str = ""
    since_0_4_2: bool = True
    of_server: bool = False  # not a matter of one session
    private: bool = False  # a question: the answer is for the asker alone

    def parse(self, arguments: Sequence[Any]) -> list[Any]:
        """The handler's arguments.

        Raises:
            ProtocolError: code 4, too few or bad arguments.
        """
        required = [field.name for field in self.fields if field.required]
        if len(arguments) < len(required):
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"{self.address} wants {' '.join(required)}; {len(arguments)} arguments came",
            )
        try:
            sent = [f.parse(a) for f, a in zip(self.fields, arguments, strict=False)]
        except BadValueError as error:
            raise ProtocolError(Code.BAD_ARGUMENT, f"{self.address}: {error}") from error
        return sent + [field.default for field in self.fields[len(sent) :]]


_ROWS = (
    Inbound(
        "/midigpt/ping",
        "ping",
        "Is the server there? The text comes back. Touches no session.",
        fields=(Field("text", "string", "anything", default=""),),
        answers="pong",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/sessions/query",
        "list_sessions",
        "Ask for all sessions of the server.",
        answers="sessions",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/watch",
        "watch",
        "Hear everything that goes in and out of a session, without playing in it. Error 9 "
        "(unknown id).",
        fields=(_SESSION_ID,),
        answers="session/snapshot, then session/mirror with each message",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/unwatch",
        "unwatch",
        "Hear no more of a session. Error 9 (unknown id).",
        fields=(_SESSION_ID,),
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/attach",
        "attach",
        "Play in a session that another client began: from now on the sender's messages go there, "
        "and what the session says goes to it too. Error 9 (unknown id).",
        fields=(_SESSION_ID,),
        answers="session/snapshot",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/init",
        "init",
        "Begin anew in any state: no tracks, bars or attributes, default parameters; a running "
        "generation is dropped.",
        ALWAYS,
        (
            Field("name", "string", "for the log", default=""),
            Field("reply_port", "int", "port for replies; 0 = the sender's", 0, 65535, default=0),
            Field(
                "session_id",
                "string",
                "begin the session of this id, whoever began it before; empty = the sender's own",
                default="",
            ),
        ),
        "capabilities, model, session/id, session/ready",
    ),
    Inbound(
        "/midigpt/session/start",
        "start",
        "Begin to play. Tested in this order: state (1), an agent track (6), a conditioning track "
        "(1), buffer_bars at most model_dim (4).",
        frozenset({State.INITIALIZING}),
        answers="session/started",
    ),
    Inbound(
        "/midigpt/session/stop",
        "stop",
        "End the session; a running generation is dropped.",
        answers="session/stopped",
    ),
    Inbound(
        "/midigpt/session/query",
        "query",
        "Ask for the session's state, tracks and parameters.",
        answers="session/state",
        since_0_4_2=False,
        private=True,
    ),
    Inbound(
        "/midigpt/track/create",
        "create_track",
        "Add a track. Errors 3 (id taken), 7 (second agent).",
        SET_UP,
        (
            _TRACK_ID,
            Field("instrument", "int", "General MIDI program 0..127; others are taken as 0"),
            Field("track_type", "int", "11 = drums, any other number = melodic (10 by convention)"),
            Field("is_agent", "bool", "0 = conditioning track, else the track the model writes"),
        ),
    ),
    Inbound(
        "/midigpt/track/remove",
        "remove_track",
        "Remove a conditioning track. Errors 2 (unknown), 1 (the agent).",
        SET_UP,
        (_TRACK_ID,),
    ),
    Inbound(
        "/midigpt/track/set_ignore",
        "set_ignore",
        "Leave a conditioning track out of the prompt, or take it back in. Error 2 (unknown, or "
        "the agent).",
        SET_UP,
        (_TRACK_ID, Field("ignored", "bool", "0 or 1")),
    ),
    Inbound(
        "/midigpt/track/param/set",
        "set_track_parameter",
        "Set a parameter of one track. Errors 2 (unknown track), 4 (unknown parameter).",
        ALWAYS - {State.UNINITIALIZED},
        (_TRACK_ID, _NAME, _VALUE),
    ),
    Inbound(
        "/midigpt/note",
        "note",
        "A note of a conditioning track. A note for a bar that has ended is merged into it and "
        "counts from the next generation on. Errors 2 (unknown track), 8 (the agent's track).",
        RUNNING,
        (
            _TRACK_ID,
            Field("pitch", "int", "MIDI pitch", 0, 127),
            Field("velocity", "int", "MIDI velocity; 0 is taken as 80, with one warning", 0, 127),
            Field("onset", "float", "fraction of the bar; 1 is the next bar line", 0.0, 1.0),
            Field(
                "duration",
                "float",
                "fraction of the bar, may exceed 1; negative: the note began one bar earlier and "
                "lasted one bar longer",
                -1.0,
                MAX_DURATION,
                open_low=True,
            ),
            _BAR,
        ),
    ),
    Inbound(
        "/midigpt/bar/end",
        "end_bar",
        "A bar has ended, for all tracks; sent when the next one begins. Skipped bars are closed "
        "too. May start a generation.",
        RUNNING,
        (
            _BAR,
            Field("ts_numerator", "int", "beats in the bar", 1, 64),
            Field("ts_denominator", "int", "4 = quarter notes", 1, 64),
        ),
        "see Scheduling",
    ),
    Inbound(
        "/midigpt/param/set",
        "set_parameter",
        "Set a parameter until it is changed; counts from the next bar end.",
        fields=(_NAME, _VALUE),
    ),
    Inbound(
        "/midigpt/param/set_once",
        "set_parameter_once",
        "Set a parameter for the next generation that starts; dropped when one has succeeded with "
        "it.",
        fields=(_NAME, _VALUE),
    ),
    Inbound(
        "/midigpt/param/reset",
        "reset_parameter",
        "Set a parameter back to its default.",
        fields=(_NAME,),
    ),
    Inbound(
        "/midigpt/param/reset_all",
        "reset_all_parameters",
        "Set all parameters back to their defaults.",
    ),
    Inbound(
        "/midigpt/attr/set",
        "set_attribute",
        "Ask for an attribute level of the agent's music, as capabilities lists them; a negative "
        "level removes the wish.",
        fields=(
            Field("name", "string", "name of the attribute"),
            Field("level", "int", "0 to its number of levels - 1, or negative"),
        ),
    ),
    Inbound("/midigpt/attr/reset_all", "reset_all_attributes", "Remove all attribute wishes."),
)

INBOUND: dict[str, Inbound] = {row.address: row for row in _ROWS}


def rows_of(address: str) -> tuple[Inbound, ...]:
    """The rows that an address or OSC address pattern means, in the table's order."""
    if osc.is_pattern(address):
        return _rows_of_pattern(address)
    row = INBOUND.get(address)
    return (row,) if row else ()


@lru_cache(maxsize=64)
def _rows_of_pattern(pattern: str) -> tuple[Inbound, ...]:
    regex = osc.pattern_regex(pattern)
    return tuple(row for address, row in INBOUND.items() if regex.fullmatch(address))
