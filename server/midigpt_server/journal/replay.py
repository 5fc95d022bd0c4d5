"""From the messages of a take back to the session that they made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from midigpt_server.journal.store import Entry
from midigpt_server.protocol.errors import ProtocolError
from midigpt_server.protocol.fields import BadValueError
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.osc import Message
from midigpt_server.session.session import Session
from midigpt_server.timing.bars import BarNote

#: Bars whose notes are read back to go on playing: more than any model sees.
BARS_TO_GO_ON = 64


def replay(entries: Iterable[Entry], session: Session, offset: float = 0.0) -> None:
    """Give a session the messages of a take; it says nothing, wants nothing and stands still
    afterwards, until a bar ends or its transport plays.

    Messages from the client have the effect that they had at their time, which is ``offset``
    seconds behind the time of day on the session's clock; the agents' bars come from the messages
    to the client. What this version does not understand any more is left out.
    """
    for _ in steps(entries, session, offset):
        pass
    session.timekeeper.stand_still()
    _forget_words(session)


def steps(entries: Iterable[Entry], session: Session, offset: float = 0.0) -> Iterator[Entry]:
    """The same one message at a time: yields each once it has had its effect."""
    open_bars: dict[tuple[int, int], list[BarNote]] = {}
    for entry in entries:
        session.timekeeper.meant = entry.at - offset
        session.advance(session.timekeeper.meant)
        if entry.outward:
            _put_back(session, entry.message, open_bars)
        else:
            _repeat(session, entry.message)
        _forget_words(session)
        yield entry


def _repeat(session: Session, message: Message) -> None:
    row = INBOUND.get(message.address)
    if row is None or row.of_server:
        return
    try:
        row.method_of(session)(*row.parse(message.arguments))
    except (ProtocolError, BadValueError):
        return


def _put_back(
    session: Session, message: Message, open_bars: dict[tuple[int, int], list[BarNote]]
) -> None:
    """A message of a generated bar: once the bar is closed the agent's history has it again."""
    kind = message.address.removeprefix("/midigpt/generated/")
    if kind not in ("open", "note", "close"):
        return
    bar: tuple[int, int] = (int(message.arguments[0]), int(message.arguments[1]))
    values: tuple[Any, ...] = message.arguments[2:]
    if kind == "open":
        open_bars[bar] = []
    elif kind == "note":
        open_bars.setdefault(bar, []).append(BarNote(*values))
    else:
        try:
            session.adopt_bar(*bar, open_bars.pop(bar, []))
        except ProtocolError:  # the agent was removed since
            return


def _forget_words(session: Session) -> None:
    session.take_replies()
    session.take_timings()
