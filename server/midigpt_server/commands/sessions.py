"""``midigpt sessions``: what was played at the server, from its journal."""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from midigpt_server.journal.export import write_midi
from midigpt_server.journal.location import journal_path
from midigpt_server.journal.store import Entry, Store, Take

_EXAMPLES = """examples:
  midigpt sessions list
  midigpt sessions show 3f9a12cd
  midigpt sessions export 3f9a12cd -o take.mid
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of ``midigpt``."""
    parser = commands.add_parser(
        "sessions",
        help="list, show and export what was played at the server",
        description="What was played at midigpt-server on this machine, from its journal. "
        "A session goes on after a crash when a client sends /midigpt/session/resume ID.",
        epilog=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="one line for each take, the latest last")
    listing.set_defaults(run=partial(_run, _list))
    show = actions.add_parser("show", help="the messages of a take, with their times")
    show.set_defaults(run=partial(_run, _show))
    export = actions.add_parser(
        "export",
        help="a take as a MIDI file: humans and agents as tracks, tempo map, meters",
    )
    export.add_argument("-o", "--output", type=Path, help="file to write (default: ID.mid)")
    export.set_defaults(run=partial(_run, _export))
    for action in (show, export):
        action.add_argument("id", metavar="ID", help="as 'midigpt sessions list' tells it")
        action.add_argument(
            "--take", type=int, metavar="N", help="number of the take (default: the latest)"
        )
    for action in (listing, show):
        action.add_argument("--json", action="store_true", help="as JSON, one object a line")
    for action in (listing, show, export):
        action.add_argument(
            "--journal", type=Path, help="file to read (default: in $MIDIGPT_DATA or the user's)"
        )


def _run(action: Callable[[Store, argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Open the journal and act; raises ValueError with one line for the user."""
    path = options.journal or journal_path()
    if not path.is_file():
        raise ValueError(f"no journal at {path}: nothing was played yet, or MIDIGPT_DATA differs")
    try:
        store = Store(path)
        try:
            action(store, options)
        finally:
            store.close()
    except sqlite3.Error as problem:
        raise ValueError(f"{path}: {problem}") from problem
    return 0


def _list(store: Store, options: argparse.Namespace) -> None:
    for take in store.takes():
        if options.json:
            print(json.dumps(asdict(take)))
        else:
            length = round(take.ended - take.began)
            print(
                f"{_time(take.began):%Y-%m-%d %H:%M:%S}  {take.session}  take {take.take}  "
                f"{length // 60}:{length % 60:02} min  {take.bars} bars  {take.notes_in} notes in  "
                f"{take.notes_out} out  {take.name}"
            )


def _show(store: Store, options: argparse.Namespace) -> None:
    for entry in store.entries(_take(store, options).take):
        print(_as_json(entry) if options.json else _as_text(entry))


def _export(store: Store, options: argparse.Namespace) -> None:
    take = _take(store, options)
    output = options.output or Path(f"{take.session}.mid")
    bars = write_midi(store.entries(take.take), output)
    print(f"{output}: {bars} bars")


def _take(store: Store, options: argparse.Namespace) -> Take:
    takes = store.takes(options.id)
    if not takes:
        raise ValueError(f"no session {options.id!r}: ask 'midigpt sessions list'")
    if options.take is None:
        return takes[-1]
    for take in takes:
        if take.take == options.take:
            return take
    raise ValueError(f"--take is {options.take}; {options.id} has {[t.take for t in takes]}")


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at)


def _as_text(entry: Entry) -> str:
    arrow = "->" if entry.outward else "<-"
    arguments = " ".join(map(str, entry.message.arguments))
    return f"{_time(entry.at):%H:%M:%S.%f} {arrow} {entry.message.address} {arguments}"


def _as_json(entry: Entry) -> str:
    direction = "out" if entry.outward else "in"
    return json.dumps({"at": entry.at, "direction": direction, **entry.message._asdict()})
