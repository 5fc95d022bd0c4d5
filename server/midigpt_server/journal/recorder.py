"""The observer that writes sessions down, and brings them back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from midigpt_server.journal.replay import BARS_TO_GO_ON, replay
from midigpt_server.journal.store import Entry, Store
from midigpt_server.journal.writer import JournalWriter, Record
from midigpt_server.protocol.osc import Message
from midigpt_server.session.observer import SessionObserver
from midigpt_server.session.session import Session
from midigpt_server.timing.clock import Clock

INIT = "/midigpt/session/init"
BAR_END = "/midigpt/bar/end"

#: Called with a session, or with the reason why there is none; on the journal's thread.
Restored = Callable[[Session | str], None]


class Recorder(SessionObserver):
    """Writes accepted messages and messages to players.

    ``on_saved`` is called on the journal's thread with a session's id and playhead once everything
    up to the end of that bar is on disk.
    """

    def __init__(
        self,
        writer: JournalWriter,
        clock: Clock,
        on_saved: Callable[[str, int], None] = lambda session_id, playhead: None,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._on_saved = on_saved

    def on_inbound(self, session_id: str, message: Message, now: float) -> None:
        """Write a message of a client."""
        begins = str(message.arguments[0]) if message.address == INIT else None
        saved = None
        if message.address == BAR_END:
            playhead = int(message.arguments[0]) + 1

            def saved() -> None:
                self._on_saved(session_id, playhead)

        self._write(session_id, Entry(self._clock.unix(now), False, message), begins, saved)

    def on_outbound(self, session_id: str, messages: Sequence[Message], now: float) -> None:
        """Write messages to the players."""
        for message in messages:
            self._write(session_id, Entry(self._clock.unix(now), True, message))

    def restore(self, session_id: str, make: Callable[[str], Session], done: Restored) -> None:
        """Bring back a session as its last take left it; returns at once, ``done`` follows."""

        def answer(store: Store | None) -> None:
            try:
                done(self._restored(store, session_id, make))
            except sqlite3.Error as problem:
                done(f"the journal cannot be read: {problem}")

        self._writer.ask(answer)

    def _restored(
        self, store: Store | None, session_id: str, make: Callable[[str], Session]
    ) -> Session | str:
        take = store.latest_take(session_id) if store is not None else None
        if store is None or take is None:
            return f"the journal has no session {session_id!r}"
        session = make(session_id)
        replay(store.entries(take, BARS_TO_GO_ON), session, offset=self._clock.unix(0.0))
        return session

    def _write(
        self,
        session_id: str,
        entry: Entry,
        begins: str | None = None,
        saved: Callable[[], None] | None = None,
    ) -> None:
        self._writer.write(Record(session_id, entry, begins, saved))
