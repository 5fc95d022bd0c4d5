"""Arguments that several messages have."""

from __future__ import annotations

from midigpt_server.protocol.fields import Field

MAX_BAR = 99_999  # 55 hours of two-second bars

TRACK_ID = Field("track_id", "int", "any number chosen by the client, unique in the session")
BAR = Field("bar_index", "int", "0-based, counted by the client", 0, MAX_BAR)
NUMERATOR = Field("ts_numerator", "int", "beats in the bar", 1, 64)
DENOMINATOR = Field("ts_denominator", "int", "4 = quarter notes", 1, 64)
NAME = Field("name", "string", "name of the parameter")
VALUE = Field("value", "any", "as the parameter's type and range say")
SESSION_ID = Field("session_id", "string", "as session/id and sessions tell it")
TOKEN = Field("token", "string", "the server's --token", default="")
ATTRIBUTE = Field("name", "string", "name of the attribute")
LEVEL = Field("level", "int", "0 to its number of levels - 1, or negative")
AGENT = Field("track_id", "int", "of an agent; left out or -1 = the first agent", default=-1)
TOKEN = Field("token", "string", "the server's --token", default="")
