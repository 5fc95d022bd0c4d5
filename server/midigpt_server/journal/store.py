"""The journal's file: an SQLite database of takes and the messages that made them.

A take begins with ``session/init``. Every accepted message in and every message out is a row, in
the order in which it took effect; whatever else is known of a take follows from its messages.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midigpt_server.protocol.osc import Message

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0

_SCHEMA = f"""
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE IF NOT EXISTS takes (
    take INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    began REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS takes_by_session ON takes (session, take);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    take INTEGER NOT NULL REFERENCES takes,
    at REAL NOT NULL,          -- seconds since 1970
    outward INTEGER NOT NULL,  -- 0 = from the client, 1 = to it
    bar INTEGER,               -- of notes and bar ends
    address TEXT NOT NULL,
    arguments TEXT NOT NULL    -- a JSON list
);
CREATE INDEX IF NOT EXISTS messages_by_take ON messages (take, id);
"""

#: Where a message has its bar index.
_BAR_ARGUMENT = {
    "/midigpt/note": 5,
    "/midigpt/bar/end": 0,
    "/midigpt/generated/open": 1,
    "/midigpt/generated/note": 1,
    "/midigpt/generated/close": 1,
    "/midigpt/generated/features": 1,
}


class JournalError(Exception):
    """The journal cannot be read or has not what is asked for; one line for the user."""


@dataclass(frozen=True)
class Entry:
    """One message of a take."""

    at: float  # seconds since 1970
    outward: bool
    message: Message


@dataclass(frozen=True)
class Take:
    """What the list says about a take; ``bars`` counts the ended ones, ``notes`` those played by
    clients and by agents."""

    take: int
    session: str
    name: str
    began: float
    ended: float
    bars: int
    notes_in: int
    notes_out: int


class Store:
    """One connection; used by one thread.

    Raises:
        sqlite3.Error, OSError: the file cannot be opened or, with ``writable``, made.
        JournalError: a later version has written it.
    """

    def __init__(self, path: Path, writable: bool = False) -> None:
        if writable:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=BUSY_SECONDS)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")  # on its own thread; power may fail
            self._check_version(path)
            self._database.executescript(_SCHEMA)
        else:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            self._database = sqlite3.connect(uri, timeout=BUSY_SECONDS, uri=True)
            self._check_version(path)

    def _check_version(self, path: Path) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            self._database.close()
            raise JournalError(f"{path} was written by a later version of midigpt-live")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # --- writing: all or nothing between two commits ---------------------------------------

    def begin_take(self, session: str, name: str, at: float) -> int:
        """A new take of a session."""
        cursor = self._database.execute(
            "INSERT INTO takes (session, name, began) VALUES (?, ?, ?)", (session, name, at)
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def add(self, take: int, entry: Entry) -> None:
        """One more message of a take."""
        address, arguments = entry.message.address, entry.message.arguments
        place = _BAR_ARGUMENT.get(address)
        self._database.execute(
            "INSERT INTO messages (take, at, outward, bar, address, arguments) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(take, entry.at, int(entry.outward)),
                None if place is None else int(arguments[place]),
                *(address, json.dumps(arguments, default=str)),
            ),
        )

    def commit(self) -> None:
        """Make what was written durable."""
        self._database.commit()

    # --- reading ---------------------------------------------------------------------------

    def latest_take(self, session: str) -> int | None:
        """The latest take of a session, if there is one."""
        row = self._database.execute(
            "SELECT max(take) FROM takes WHERE session = ?", (session,)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def takes(self, session: str | None = None) -> list[Take]:
        """All takes, or those of a session, the latest last."""
        rows = self._database.execute(
            """
            SELECT takes.take, session, name, began, coalesce(max(at), began),
                   coalesce(max(CASE WHEN address = '/midigpt/bar/end' THEN bar + 1 END), 0),
                   count(CASE WHEN address = '/midigpt/note' THEN 1 END),
                   count(CASE WHEN address = '/midigpt/generated/note' THEN 1 END)
            FROM takes LEFT JOIN messages ON messages.take = takes.take
            WHERE :session IS NULL OR session = :session
            GROUP BY takes.take ORDER BY takes.take
            """,
            {"session": session},
        )
        return [Take(*row) for row in rows]

    def entries(self, take: int, bars: int | None = None) -> Iterator[Entry]:
        """The messages of a take in order; of notes only those of the last ``bars`` bars."""
        first = -1
        if bars is not None:
            (last,) = self._database.execute(
                "SELECT max(bar) FROM messages WHERE take = ?", (take,)
            ).fetchone()
            first = (last or 0) - bars
        rows: Iterable[tuple[Any, ...]] = self._database.execute(
            """
            SELECT at, outward, address, arguments FROM messages
            WHERE take = ? AND (bar IS NULL OR bar >= ? OR address = '/midigpt/bar/end')
            ORDER BY id
            """,
            (take, first),
        )
        for at, outward, address, arguments in rows:
            yield Entry(at, bool(outward), Message(address, tuple(json.loads(arguments))))
