"""``midigpt-listen``: print every OSC message that arrives."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
from collections import Counter
from collections.abc import Sequence

from midigpt_server import logs
from midigpt_server.commands.serve import bind_error_text
from midigpt_server.protocol.osc import Message
from midigpt_server.transports.transport import Peer
from midigpt_server.transports.udp import UdpTransport

log = logging.getLogger(__name__)


class Printer:
    """Prints each message on a line of its own."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()

    def receive(self, messages: Sequence[Message], peer: Peer) -> None:
        """Print the messages of a packet."""
        for address, values, tags, *_ in messages:
            print(_sender(peer), address, f",{tags}", *map(repr, values), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logs.set_up(options.log_level)
    try:
        udp = UdpTransport(options.host, options.port)
    except OSError as problem:
        print(bind_error_text("midigpt-listen", options, problem), file=sys.stderr)
        return 1
    log.info("listening on %s:%d, end with Ctrl-C", *udp.address)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_listen(udp))
    return 0


async def _listen(udp: UdpTransport) -> None:
    await udp.open(Printer())
    await asyncio.Event().wait()


def _sender(peer: Peer) -> str:
    return ":".join(map(str, peer.key)) if isinstance(peer.key, tuple) else str(peer.key)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="midigpt-listen",
        description="Print every OSC message that arrives.",
        epilog="example: midigpt-listen --port 7401",
    )
    parser.add_argument("--port", type=int, default=7401, help="UDP port (default: 7401)")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    parser.add_argument("--log_level", "--log-level", default="INFO", choices=logs.LEVELS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
