"""Sessions of earlier days: what the live server's journal has, as a list and as MIDI files."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from flask import Blueprint, Response, current_app, jsonify

from midigpt_server.journal.export import write_midi
from midigpt_server.journal.store import JournalError, Store

blueprint = Blueprint("journal", __name__)

#: Key of the application's configuration: the journal's file, or None.
JOURNAL = "MIDIGPT_JOURNAL"
_LISTED = 50

Answer: TypeAlias = tuple[Response, int]


@blueprint.get("/takes.json")
def takes() -> Answer:
    """The last takes in which a bar has ended, the latest first: ``take``, ``session``, ``name``,
    ``began`` (seconds since 1970), ``bars``, ``notes`` (played) and ``answers`` (of agents)."""
    with _store() as store:
        listed: list[dict[str, Any]] = [
            {
                "take": take.take,
                "session": take.session,
                "name": take.name,
                "began": take.began,
                "bars": take.bars,
                "notes": take.notes_in,
                "answers": take.notes_out,
            }
            for take in (reversed(store.takes()) if store else ())
            if take.bars
        ]
    return jsonify(listed[:_LISTED]), 200


@blueprint.get("/takes/<int:number>.mid")
def midi(number: int) -> Answer:
    """A take as a MIDI file."""
    with _store() as store, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.mid"
        try:
            if store is None:
                raise ValueError("there is no journal")
            write_midi(store.entries(number), path)
        except ValueError as problem:
            return jsonify(error=str(problem)), 404
        return Response(path.read_bytes(), mimetype="audio/midi"), 200


@contextmanager
def _store() -> Iterator[Store | None]:
    path: Path | None = current_app.config.get(JOURNAL)
    try:
        store = Store(path) if path and path.exists() else None
    except (OSError, sqlite3.Error, JournalError):
        store = None
    try:
        yield store
    finally:
        if store is not None:
            store.close()
