"""The messages that a client may send: one table for dispatch, validation, manual and clients.

A row says the address, the states in which the message is legal, its arguments with types and
ranges, and the method of the session (or of the conductor) that takes them. The state is tested
first, then the number of arguments, then their values; a refused message changes nothing.
Further arguments are ignored.
"""

from __future__ import annotations

from functools import lru_cache

from midigpt_server.protocol import osc
from midigpt_server.protocol.row import Inbound
from midigpt_server.protocol.table import music, sessions, settings, tracks

INBOUND: dict[str, Inbound] = {
    row.address: row for row in (*sessions.ROWS, *tracks.ROWS, *music.ROWS, *settings.ROWS)
}


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
