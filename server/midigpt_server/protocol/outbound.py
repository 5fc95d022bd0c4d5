"""The messages that the server sends: one table, and the function that makes them."""

from __future__ import annotations

import json
from typing import Any

from midigpt_server.protocol.errors import Code
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.row import Outbound
from midigpt_server.protocol.table.replies import ROWS

OUTBOUND: dict[str, Outbound] = {row.address: row for row in ROWS}

ERROR = "/midigpt/error"

_PYTHON_TYPES = {"i": int, "f": float, "s": str}


def reply(name: str, *values: Any) -> Message:
    """The message ``/midigpt/<name>`` with its table's types; a dict becomes JSON text."""
    row = OUTBOUND[f"/midigpt/{name}"]
    arguments = tuple(
        json.dumps(value) if isinstance(value, dict) else _PYTHON_TYPES[tag](value)
        for tag, value in zip(row.tags, values, strict=True)
    )
    return Message(row.address, arguments, row.tags)


def error(code: Code, text: str) -> Message:
    """The message ``/midigpt/error``."""
    return reply("error", code, text)
