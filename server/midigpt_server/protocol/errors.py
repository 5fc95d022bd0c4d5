"""Error codes, and the refusal that carries one."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Error codes of ``/midigpt/error``; those up to 8 are of MIDI-GPT 0.4.2."""

    WRONG_STATE = 1
    UNKNOWN_TRACK = 2
    TRACK_EXISTS = 3
    BAD_ARGUMENT = 4
    GENERATION_FAILED = 5
    NO_AGENT = 6
    SECOND_AGENT = 7
    NOTE_FOR_AGENT = 8
    UNKNOWN_SESSION = 9
    SERVER_FULL = 10
    NOT_ADMITTED = 11


CODE_DOCS = {
    Code.WRONG_STATE: "wrong state; also: start without a conditioning track, removing the agent",
    Code.UNKNOWN_TRACK: "unknown track; also: ignoring the agent",
    Code.TRACK_EXISTS: "track_id already used",
    Code.BAD_ARGUMENT: "missing or bad argument: name, value and what is wanted",
    Code.GENERATION_FAILED: "generation failed: the reason",
    Code.NO_AGENT: "no agent track",
    Code.SECOND_AGENT: "second agent track",
    Code.NOTE_FOR_AGENT: "note for the agent track (dropped)",
    Code.UNKNOWN_SESSION: "unknown session id",
    Code.SERVER_FULL: "no more sessions are possible now",
    Code.NOT_ADMITTED: "the token of the server is missing or wrong",
}


class ProtocolError(Exception):
    """A request that is answered by ``/midigpt/error`` and changes nothing."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
