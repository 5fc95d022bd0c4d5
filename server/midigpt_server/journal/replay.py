"""From the messages of a take back to the session that they made."""

from __future__ import annotations

from collections.abc import Iterable

from midigpt_server.journal.store import Entry
from midigpt_server.protocol.errors import ProtocolError
from midigpt_server.protocol.fields import BadValueError
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.osc import Message
from midigpt_server.session.session import Session
from midigpt_server.timing.bars import BarNote

#: Bars whose notes are read back to go on playing: more than any model sees.
BARS_TO_GO_ON = 64


def replay(entries: Iterable[Entry], session: Session) -> None:
    """Give a session the messages of a take; it says nothing and wants nothing afterwards.

    Messages from the client have the effect that they had; the agents' bars come from the messages
    to the client. What this version does not understand any more is left out.
    """
    for entry in entries:
        if entry.outward:
            _put_back(session, entry.message)
        else:
            _repeat(session, entry.message)
        session.take_replies()
    session.wanted = None


def _repeat(session: Session, message: Message) -> None:
    row = INBOUND.get(message.address)
    if row is None or row.of_server:
        return
    try:
        getattr(session, row.handler)(*row.parse(message.arguments))
    except (ProtocolError, BadValueError):
        return


def _put_back(session: Session, message: Message) -> None:
    """A message of a generated bar: the agent's history has it again."""
    name = message.address.removeprefix("/midigpt/generated/")
    if name not in ("open", "note"):
        return
    track_id, bar, *values = message.arguments
    try:
        bars = session.piece.track(track_id).bars
    except ProtocolError:  # removed since
        return
    if name == "open":
        bars[bar] = []
    else:
        bars[bar].append(BarNote(*values))
