"""``midigpt top``: watch a running server keep time."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from midigpt_server.client import Client

_CLEAR = "\x1b[H\x1b[2J"

_EXAMPLES = """examples:
  midigpt top
  midigpt top --host 192.168.1.20 --token SECRET
  midigpt top --once --json
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser of ``midigpt``."""
    parser = commands.add_parser(
        "top",
        help="watch a running server: sessions, bars, latencies, fallbacks",
        description="Watch a running midigpt-server over its own protocol; end with Ctrl-C.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--host", default="127.0.0.1", help="of the server (default: this machine)")
    parser.add_argument("--port", type=int, default=7400, help="of the server (default: 7400)")
    parser.add_argument("--token", default="", help="of the server, from another machine")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds (default: 1)")
    parser.add_argument("--once", action="store_true", help="print once and end")
    parser.add_argument("--json", action="store_true", help="as JSON, one object a line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask and print until interrupted; raises ValueError when there is no answer."""
    with Client(options.host, options.port, timeout=2.0) as client:
        if options.token:
            client.send("/midigpt/token", options.token)
        while True:
            answer = _ask(client)
            if options.json:
                print(json.dumps(answer), flush=True)
            else:
                print(("" if options.once else _CLEAR) + "\n".join(view(answer)), flush=True)
            if options.once:
                return 0
            time.sleep(options.interval)


def _ask(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for question, reply in (("stats", "stats"), ("sessions/query", "sessions")):
        client.send(f"/midigpt/{question}")
        try:
            heard = client.receive_until(
                lambda m, name=reply: m.address in (f"/midigpt/{name}", "/midigpt/error")  # type: ignore[misc]
            )[-1]
        except (TimeoutError, OSError):
            host, port = client.address
            raise ValueError(
                f"no answer from {host} port {port}: is midigpt-server running?"
            ) from None
        if heard.address == "/midigpt/error":
            raise ValueError(f"the server refuses: {heard.arguments[1]}")
        answer[reply] = json.loads(heard.arguments[0])
    return answer


def view(answer: dict[str, Any]) -> Iterator[str]:
    """The lines of the screen."""
    stats, sessions = answer["stats"], answer["sessions"]["sessions"]
    minutes, seconds = divmod(int(stats["uptime_seconds"]), 60)
    busy = f"writing {stats['generating']}"
    yield (
        f"midigpt-server {stats['version']}   up {minutes}:{seconds:02} min   {busy}   "
        f"queue {stats['queue']}   {_number(stats['tokens_per_second'])} tokens/s   "
        f"isr {_number(stats['isr'])}"
    )
    yield ""
    columns = "{:<12} {:<14} {:<13} {:>6} {:>6} {:>7} {:>20} {:>20} {:>6} {:>5} {:>5}"
    yield columns.format(
        *("session", "name", "state", "bar", "bars", "notes", "bar ms 50/95/99"),
        *("first note ms", "stale", "fall", "late"),
    )
    for session in sessions:
        figures = stats["sessions"].get(session["id"])
        place = (session["id"][:12], session["name"][:14], session["state"], session["playhead"])
        yield columns.format(*place, *_cells(figures))
    yield columns.format("all", "", "", "", *_cells(stats))
    yield ""
    yield "   ".join(f"{name} {count}" for name, count in sorted(stats["counters"].items()))


def _cells(figures: dict[str, Any] | None) -> tuple[str, ...]:
    if figures is None:
        return ("-",) * 7
    return (
        str(figures["bars"]),
        str(figures["notes"]),
        _percentiles(figures["bar_ms"]),
        _percentiles(figures["first_note_ms"]),
        _number(figures["staleness_bars"]),
        str(figures["fallbacks"]),
        str(figures["late"]),
    )


def _percentiles(figures: dict[str, float] | None) -> str:
    return "/".join(f"{value:.0f}" for value in figures.values()) if figures else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
