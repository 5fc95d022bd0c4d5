"""``midigpt-server``: load a checkpoint, listen, play along."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from midigpt import __version__
from midigpt_server import logs
from midigpt_server.access import is_loopback
from midigpt_server.commands.values import at_least_one, port
from midigpt_server.discovery.advertise import Advertisement
from midigpt_server.generation.loading import load_engine, load_llama
from midigpt_server.generation.models import Models
from midigpt_server.journal.location import journal_path
from midigpt_server.server import SWITCH_SECONDS, Server
from midigpt_server.session.registry import IDLE_SECONDS, MAX_SESSIONS, Capacity
from midigpt_server.transports.tcp import TcpTransport
from midigpt_server.transports.transport import Transport
from midigpt_server.transports.udp import UdpTransport

#: flag name -> name of the parameter whose default it sets
_PARAMETER_FLAGS = {
    "max_attempts": "max_attempts",
    "buffer": "buffer_bars",
    "lookahead": "lookahead_bars",
    "model_dim": "model_dim",
    "gen_timeout": "gen_timeout",
    "seed": "sampling_seed",
}

_EXAMPLES = """\
examples:
  midigpt-server                                   the bundled checkpoint, port 7400
  midigpt-server --ckpt band.safetensors           another checkpoint
  midigpt-server --reply-port 7401                 for Max: udpsend 7400, udpreceive 7401
  midigpt-server --host 0.0.0.0 --token SECRET     be reachable from other machines
  midigpt-server --lookahead 2 --gen_timeout 3     more time per bar, and a limit
"""

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = build_parser().parse_args(arguments)
    sys.setswitchinterval(SWITCH_SECONDS)
    logs.set_up(options.log_level, options.log_format)
    with contextlib.ExitStack() as cleanup:
        try:
            server = _make(options, cleanup)
        except OSError as problem:
            print(bind_error_text("midigpt-server", options, problem), file=sys.stderr)
            return 1
        except (ImportError, RuntimeError, ValueError) as problem:
            print(f"midigpt-server: {problem}", file=sys.stderr)
            return 1
        host = options.host
        log.info(
            "midigpt-server %s listens on %s:%d, end with Ctrl-C", __version__, host, server.port
        )
        for end in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
            signal.signal(end, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve()
        server.close()
    log.info("counters %s", dict(server.counters))
    return 0


def _make(options: argparse.Namespace, cleanup: contextlib.ExitStack) -> Server:
    """The server as it is asked for; what can fail at once comes before the model is loaded."""
    _check_host(options.host, options.token)
    udp = UdpTransport(options.host, options.port)
    transports = [udp, *_tcp(options.host, udp.port, options.tcp)]
    if options.advertise:
        cleanup.callback(Advertisement(options.advertise, *udp.address).close)
    backend = Models(load_engine(options.ckpt, options.device), load_llama(options.llama))
    return Server(
        *(backend, transports, parameter_defaults(options), options.reply_port, options.token),
        journal=journal_path() if options.journal else None,
        capacity=Capacity(options.max_sessions, options.idle_seconds),
    )


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="midigpt-server",
        description="Answer every bar you play with a bar of the agent, over OSC.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--ckpt", metavar="PATH", help="checkpoint (default: the bundled one)")
    parser.add_argument(
        "--llama",
        metavar="FOLDER",
        type=Path,
        help="text-to-music Llama for agents with model=llama (default: the bundled one)",
    )
    parser.add_argument(
        "--device",
        help="of PyTorch: cpu, cuda, mps or auto (default: compiled code on the CPU, if it can)",
    )
    parser.add_argument("--port", type=port, default=7400, help="UDP port (default: 7400)")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to bind (127.0.0.1: this machine only; any other wants a --token)",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("MIDIGPT_TOKEN"),
        help="what clients on other machines must send with session/init (default: $MIDIGPT_TOKEN)",
    )
    parser.add_argument(
        "--no-tcp",
        dest="tcp",
        action="store_false",
        help="do not listen for OSC over TCP (SLIP) on the same port",
    )
    parser.add_argument(
        "--reply-port",
        "--reply_port",
        type=port,
        metavar="N",
        help="send all replies to this port of the sender (default: the port it sends from)",
    )
    for flag, parameter in _PARAMETER_FLAGS.items():
        kind = float if flag == "gen_timeout" else int
        parser.add_argument(
            *dict.fromkeys((f"--{flag}", f"--{flag.replace('_', '-')}")),
            type=kind,
            metavar="S" if kind is float else "N",
            help=f"default of the parameter {parameter}",
        )
    parser.add_argument(
        "--max-sessions",
        type=at_least_one(int),
        default=MAX_SESSIONS,
        metavar="N",
        help=f"sessions at a time; further ones are refused (default: {MAX_SESSIONS})",
    )
    parser.add_argument(
        "--idle-seconds",
        type=at_least_one(float),
        default=IDLE_SECONDS,
        metavar="S",
        help=f"end a session so long after its last message (default: {IDLE_SECONDS:g})",
    )
    parser.add_argument(
        "--log_level", "--log-level", default="INFO", choices=logs.LEVELS, help="(default: INFO)"
    )
    parser.add_argument(
        "--advertise",
        nargs="?",
        const="midigpt",
        metavar="NAME",
        help="let other programs find the server by zeroconf and OSCQuery, under this name "
        "(default: midigpt; needs the extra 'discovery')",
    )
    parser.add_argument(
        "--log-format", default="text", choices=logs.FORMATS, help="json: one object a line"
    )
    parser.add_argument(
        "--no-journal",
        dest="journal",
        action="store_false",
        help="do not write sessions down (default: to $MIDIGPT_DATA or the user's data directory; "
        "see 'midigpt sessions')",
    )
    return parser


def parameter_defaults(options: argparse.Namespace) -> dict[str, Any]:
    """The parameter defaults that the command line overrides (D27)."""
    return {
        parameter: getattr(options, flag)
        for flag, parameter in _PARAMETER_FLAGS.items()
        if getattr(options, flag) is not None
    }


def bind_error_text(program: str, options: argparse.Namespace, problem: OSError) -> str:
    """One line that says why the socket, or the checkpoint, cannot be opened."""
    if problem.errno == errno.EADDRINUSE:
        return (
            f"{program}: port {options.port} is in use: "
            "end the other program or choose another port with --port"
        )
    return f"{program}: {problem}"


def _check_host(host: str, token: str | None) -> None:
    if not token and not is_loopback(host):
        raise ValueError(
            f"--host {host} lets other machines in: choose a --token that their clients send"
        )


def _tcp(host: str, port: int, wanted: bool) -> list[Transport]:
    if not wanted:
        return []
    try:
        return [TcpTransport(host, port)]
    except OSError as problem:
        log.warning("no OSC over TCP: port %d: %s", port, problem.strerror)
        return []


if __name__ == "__main__":
    sys.exit(main())
