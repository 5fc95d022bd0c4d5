"""Messages about tracks and agents."""

from __future__ import annotations

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.parameters import FALLBACKS
from midigpt_server.protocol.row import Inbound
from midigpt_server.protocol.states import ALWAYS, RUNNING, SET_UP, State
from midigpt_server.protocol.table.arguments import (
    AGENT,
    ATTRIBUTE,
    BAR,
    LEVEL,
    NAME,
    TRACK_ID,
    VALUE,
)

INSTRUMENT = Field("instrument", "int", "General MIDI program 0..127; others are taken as 0")
TRACK_TYPE = Field("track_type", "int", "11 = drums, any other number = melodic (10 by convention)")

ROWS = (
    Inbound(
        "/midigpt/track/create",
        "roster.create_track",
        "Add a track. Errors 3 (id taken), 7 (second agent).",
        SET_UP,
        (
            TRACK_ID,
            INSTRUMENT,
            TRACK_TYPE,
            Field("is_agent", "bool", "0 = conditioning track, else the track the model writes"),
        ),
    ),
    Inbound(
        "/midigpt/track/remove",
        "roster.remove_track",
        "Remove a conditioning track. Errors 2 (unknown), 1 (the agent).",
        SET_UP,
        (TRACK_ID,),
    ),
    Inbound(
        "/midigpt/track/set_ignore",
        "roster.set_ignore",
        "Leave a conditioning track out of the prompt, or take it back in. Error 2 (unknown, or "
        "the agent).",
        SET_UP,
        (TRACK_ID, Field("ignored", "bool", "0 or 1")),
    ),
    Inbound(
        "/midigpt/track/param/set",
        "roster.set_track_parameter",
        "Set a parameter of one track. Errors 2 (unknown track), 4 (unknown parameter).",
        ALWAYS - {State.UNINITIALIZED},
        (TRACK_ID, NAME, VALUE),
    ),
    Inbound(
        "/midigpt/track/query",
        "query_tracks",
        "Ask for the tracks, with their parameters and attribute wishes.",
        answers="track/list",
        since_0_4_2=False,
        private=True,
    ),
    Inbound(
        "/midigpt/agent/create",
        "roster.create_agent",
        "Add an agent, also beside others and while playing: each has its own instrument, "
        "parameters and attributes, they play in creation order and hear each other. Error 3.",
        SET_UP,
        (
            TRACK_ID,
            INSTRUMENT,
            TRACK_TYPE,
            Field(
                "fallback",
                "string",
                "as the parameter of that name",
                choices=FALLBACKS,
                default="repeat",
            ),
        ),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/remove",
        "roster.remove_agent",
        "Remove an agent; what it has scheduled is flushed. Error 2.",
        SET_UP,
        (TRACK_ID,),
        "generated/flush",
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/attr/set",
        "wishes.set_agent_attribute",
        "As attr/set, for one agent. Errors 2, 4.",
        SET_UP,
        (TRACK_ID, ATTRIBUTE, LEVEL),
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/undo",
        "undo",
        "Take back the newest bar of an agent that is not over: its version before comes back, or "
        "the bar stays empty. Error 2.",
        RUNNING,
        (AGENT,),
        "generated/flush, the bar as it is then",
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/redo",
        "redo",
        "Bring back what agent/undo took back last. Errors 2, 4 (nothing was).",
        RUNNING,
        (AGENT,),
        "generated/flush, the bar as it is then",
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/regenerate",
        "regenerate",
        "Write a bar of an agent anew, with another seed; the bar may sound but not be over. "
        "Errors 2, 4.",
        RUNNING,
        (BAR, AGENT),
        "generated/flush, then the bar",
        since_0_4_2=False,
    ),
    Inbound(
        "/midigpt/agent/take",
        "choose_take",
        "Play another take of a bar that was written several times; the bar may sound but not be "
        "over. Errors 2, 4.",
        RUNNING,
        (BAR, Field("take", "int", "from 0, as generated/take counts; -1 = silence", -1), AGENT),
        "generated/flush, generated/take, the bar as it is then",
        since_0_4_2=False,
    ),
)
