"""``midigpt-listen``: print every OSC message that arrives."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys

from midigpt_server import osc
from midigpt_server.cli import LOG_FORMAT, LOG_LEVELS, bind_error_text
from midigpt_server.udp import UdpEndpoint

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format=LOG_FORMAT)
    try:
        endpoint = UdpEndpoint(options.host, options.port)
    except OSError as problem:
        print(bind_error_text("midigpt-listen", options, problem), file=sys.stderr)
        return 1
    log.info("listening on %s:%d, end with Ctrl-C", *endpoint.address)
    with contextlib.suppress(KeyboardInterrupt):
        endpoint.serve(print_datagram, lambda event: None)
    return 0


def print_datagram(datagram: bytes, sender: tuple[str, int]) -> None:
    """Print each message of a datagram on a line of its own."""
    try:
        for address, values, tags in osc.decode(datagram):
            print(f"{sender[0]}:{sender[1]} {address} ,{tags}", *map(repr, values), flush=True)
    except osc.UndecodableError as problem:
        log.warning("from %s:%d: %s", *sender, problem)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="midigpt-listen",
        description="Print every OSC message that arrives.",
        epilog="example: midigpt-listen --port 7401",
    )
    parser.add_argument("--port", type=int, default=7401, help="UDP port (default: 7401)")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    parser.add_argument("--log_level", "--log-level", default="INFO", choices=LOG_LEVELS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
