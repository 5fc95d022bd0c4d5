"""``midigpt-studio``: a live server and a page to play with it."""

from __future__ import annotations

import argparse
import contextlib
import logging
import secrets
import sys
import threading
import webbrowser
from pathlib import Path

from midigpt import __version__
from midigpt_server.access import is_loopback
from midigpt_server.commands.values import port
from midigpt_server.generation.loading import load_engine, load_llama
from midigpt_server.journal.location import journal_path
from midigpt_server.server import SWITCH_SECONDS
from midigpt_studio import address
from midigpt_studio.bridge import parse_address
from midigpt_studio.studio import Studio

_EXAMPLES = """\
examples:
  midigpt-studio                              play here; a DAW may use UDP port 7400 meanwhile
  midigpt-studio --connect 127.0.0.1:7400     a page for a midigpt-server that already runs
  midigpt-studio --host 0.0.0.0               from a phone or tablet too: open the printed address
  midigpt-studio --ckpt mine.safetensors      another checkpoint
"""

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)-7s %(name)s %(message)s"
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    token = options.token
    if token is None and not is_loopback(options.host):
        token = secrets.token_urlsafe(12)
    try:
        connect = parse_address(options.connect) if options.connect else None
        studio = Studio(
            backend=None if connect else load_engine(options.ckpt),
            connect=connect or ("127.0.0.1", 7400),
            connect_token=options.connect_token,
            host=options.host,
            port=options.port,
            osc_port=options.osc_port,
            journal=journal_path() if options.journal else None,
            token=token,
            names=options.name,
            mode=options.async_mode,
            llama=None if connect else load_llama(options.llama),
        )
    except (OSError, ImportError, RuntimeError, ValueError) as problem:
        print(f"midigpt-studio: {problem}", file=sys.stderr)
        return 1
    _introduce(studio, options.host, token, connect is None)
    if options.browser:
        threading.Timer(0.5, webbrowser.open, [studio.url]).start()
    with contextlib.suppress(KeyboardInterrupt):
        studio.serve()
    studio.close()
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="midigpt-studio",
        description="Jam with the band in the browser, or watch the session of a DAW.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=__version__)
    add("--port", type=port, default=7480, help="of the page (default: %(default)s)")
    add("--host", default="127.0.0.1", help="address to bind (127.0.0.1: this machine only)")
    add("--token", help="ask this of every browser (default: one is made for --host)")
    add(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a further name under which the page may be opened, such as studio.local",
    )
    add(
        "--osc-port",
        type=port,
        default=7400,
        help="UDP port of the live server in here (default: %(default)s)",
    )
    add("--connect", metavar="HOST:PORT", help="attach to a running server; start none")
    add("--connect-token", default="", metavar="TOKEN", help="the --token of that server")
    add("--no-journal", dest="journal", action="store_false", help="keep no sessions")
    add("--ckpt", metavar="PATH", help="checkpoint (default: the bundled one)")
    add(
        "--llama",
        metavar="FOLDER",
        type=Path,
        help="text-to-music Llama for agents with model=llama (default: the bundled one)",
    )
    add(
        "--async-mode",
        choices=("threading", "eventlet"),
        default="threading",
        help="web server: cheroot with threads, or eventlet (extra [eventlet])",
    )
    add("--no-browser", dest="browser", action="store_false", help="do not open a browser")
    add(
        "--log-level",
        default="WARNING",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="(default: %(default)s)",
    )
    return parser


def _introduce(studio: Studio, host: str, token: str | None, is_own: bool) -> None:
    server = "{}:{}".format(*studio.osc_address)
    print(f"midigpt-studio {__version__}: open {studio.url}")
    print(f"for your DAW: OSC to UDP {server}" if is_own else f"attached to the server {server}")
    if token and not is_loopback(host):
        print(address.qr_code(studio.url))
    print("end with Ctrl-C", flush=True)


if __name__ == "__main__":
    sys.exit(main())
