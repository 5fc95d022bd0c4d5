"""Messages about sessions and the server."""

from __future__ import annotations

from midigpt_server.protocol.fields import Field
from midigpt_server.protocol.osc import KEPT_MESSAGES
from midigpt_server.protocol.row import Inbound
from midigpt_server.protocol.states import ALWAYS, State
from midigpt_server.protocol.table.arguments import SESSION_ID, TOKEN

ROWS = (
    Inbound(
        "/midigpt/ping",
        "ping",
        "Is the server there? The text comes back. Touches no session.",
        fields=(Field("text", "string", "anything", default=""),),
        answers="pong",
        since_0_4_2=False,
        of_server=True,
        open_to_all=True,
    ),
    Inbound(
        "/midigpt/token",
        "accept_token",
        "Show the token of a server that was started with one, before anything else; needed from "
        "other machines only, and not by clients that send it with session/init. Error 11 (wrong).",
        fields=(TOKEN,),
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
        "/midigpt/stats",
        "tell_statistics",
        "Ask how well the server keeps time.",
        answers="stats",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/watch",
        "watch",
        "Hear everything that goes in and out of a session, without playing in it. Error 9 "
        "(unknown id).",
        fields=(SESSION_ID,),
        answers="session/snapshot, then session/mirror with each message",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/unwatch",
        "unwatch",
        "Hear no more of a session. Error 9 (unknown id).",
        fields=(SESSION_ID,),
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/attach",
        "attach",
        "Play in a session that another client began: from now on the sender's messages go there, "
        "and what the session says goes to it too. Error 9 (unknown id).",
        fields=(SESSION_ID,),
        answers="session/snapshot",
        since_0_4_2=False,
        of_server=True,
    ),
    Inbound(
        "/midigpt/session/resume",
        "resume",
        "Go on with a session after a crash, of the server or of the client: one that is there, "
        "else as the journal has it. The next bar/end goes on from the playhead that is told. "
        "Errors 9 (unknown id), 10 (no place).",
        fields=(SESSION_ID,),
        answers="session/snapshot, session/resumed",
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
            TOKEN,
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
        "/midigpt/resend",
        "resend",
        "Send messages again that carried a sequence number (parameter sequence) and were lost; "
        f"the last {KEPT_MESSAGES} are kept.",
        fields=(
            Field("first", "int", "first number that is missing", 1),
            Field("last", "int", "last number that is missing", 1),
        ),
        answers="the messages, numbered as before",
        since_0_4_2=False,
        of_server=True,
    ),
)
