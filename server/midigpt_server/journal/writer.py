"""The journal's thread: what happens goes into a queue and from there to disk.

Nobody waits for the disk. When it fails, that is said once and the music goes on without a journal.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from midigpt_server.journal.store import Entry, JournalError, Store

GATHER_SECONDS = 0.02
MAX_QUEUED = 100_000  # a disk that is so far behind counts as failed
_END = None

log = logging.getLogger(__name__)

#: Called on the journal's thread; ``None`` means that the store could not be opened.
Question: TypeAlias = Callable[[Store | None], None]


@dataclass(frozen=True)
class Record:
    """One message of a session; ``begins`` that it begins a take of this name; ``saved`` is called
    on the journal's thread once it is on disk."""

    session: str
    entry: Entry
    begins: str | None = None
    saved: Callable[[], None] | None = None


class JournalWriter:
    """Writes records in order. ``on_failure`` is called once, on the journal's thread, with the
    reason."""

    def __init__(self, path: Path, on_failure: Callable[[str], None] = lambda reason: None) -> None:
        self.path = path
        self._on_failure = on_failure
        self._queue: SimpleQueue[Record | Question | None] = SimpleQueue()
        self._failed = False
        self._takes: dict[str, int] = {}
        self._thread = Thread(target=self._run, name="midigpt-journal", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Write it soon; from any thread, without waiting."""
        if self._failed:
            return
        if self._queue.qsize() >= MAX_QUEUED:
            self._fail(f"the disk is {MAX_QUEUED} messages behind")
            return
        self._queue.put(record)

    def ask(self, question: Question) -> None:
        """Have a question answered after all that was written before; from any thread."""
        self._queue.put(question)

    def close(self, timeout: float = 5.0) -> None:
        """Write what is left, and end."""
        self._queue.put(_END)
        self._thread.join(timeout)

    # --- on the journal's thread -----------------------------------------------------------

    def _run(self) -> None:
        store = self._open()
        going_on = True
        while going_on:
            batch = self._next_batch()
            going_on = _END not in batch
            if store is not None and not self._failed:
                self._write(store, [item for item in batch if isinstance(item, Record)])
            for item in batch:
                if callable(item):
                    item(store)
        if store is not None:
            store.close()

    def _open(self) -> Store | None:
        try:
            return Store(self.path, writable=True)
        except (sqlite3.Error, OSError, JournalError) as problem:
            self._fail(str(problem))
            return None

    def _next_batch(self) -> list[Record | Question | None]:
        """What comes within a moment: a commit waits for the disk, and costs as much as hundreds of
        records; one for the whole batch keeps up with any speed."""
        batch = [self._queue.get()]
        if batch[-1] is not _END:
            time.sleep(GATHER_SECONDS)
        while batch[-1] is not _END:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _write(self, store: Store, records: list[Record]) -> None:
        if not records:
            return
        try:
            for record in records:
                store.add(self._take_of(store, record), record.entry)
            store.commit()
        except (sqlite3.Error, OSError) as problem:
            self._fail(str(problem))
            return
        for record in records:
            if record.saved is not None:
                record.saved()

    def _take_of(self, store: Store, record: Record) -> int:
        session = record.session
        take = self._takes.get(session)
        if record.begins is not None:
            take = store.begin_take(session, record.begins, record.entry.at)
        elif take is None:  # after a restart of the server
            take = store.latest_take(session) or store.begin_take(session, "", record.entry.at)
        self._takes[session] = take
        return take

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            log.warning("the journal %s fails: %s; the music goes on without it", self.path, reason)
            self._on_failure(reason)
