"""The journal of one server: wires the recorder, its thread and the conductor together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from midigpt_server.conductor import Conductor
from midigpt_server.journal.recorder import Recorder, Restored
from midigpt_server.journal.writer import JournalWriter
from midigpt_server.protocol.outbound import reply
from midigpt_server.session.session import Session
from midigpt_server.timing.clock import Clock


class Journal:
    """Writes down all sessions of ``conductor`` and restores those that it asks for.

    ``post`` calls a function soon on the conductor's thread; it may be called from any thread.
    """

    def __init__(
        self, path: Path, conductor: Conductor, clock: Clock, post: Callable[..., None]
    ) -> None:
        self._conductor = conductor
        self._post = post
        self._writer = JournalWriter(path, self._on_failure)
        self._recorder = Recorder(self._writer, clock, self._on_saved)
        conductor.observers.append(self._recorder)
        conductor.desk.restore = self._restore

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._writer.close()

    def _restore(self, session_id: str, make: Callable[[str], Session], done: Restored) -> None:
        self._recorder.restore(session_id, make, lambda outcome: self._post(done, outcome))

    def _on_saved(self, session_id: str, playhead: int) -> None:
        self._tell(session_id, "session/saved", playhead)

    def _on_failure(self, reason: str) -> None:
        self._tell(None, "warning", "journal", f"{reason}; the music goes on without a journal")

    def _tell(self, session_id: str | None, name: str, *values: Any) -> None:
        self._post(self._conductor.tell, [reply(name, *values)], session_id)
