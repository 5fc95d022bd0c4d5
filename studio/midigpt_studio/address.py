"""The studio's addresses: names it answers to, the URL to open, the QR code of it."""

from __future__ import annotations

import io
import socket

import segno

from midigpt_server.access import is_loopback
from midigpt_studio.guard import LOOPBACK_NAMES

_ANY = frozenset({"0.0.0.0", "::", ""})


def names(host: str, extra: list[str]) -> set[str]:
    """The names under which a page bound to ``host`` may be called."""
    own = set() if is_loopback(host) else {lan_address(host), socket.gethostname().lower()}
    return {*LOOPBACK_NAMES, *own, *(name.lower() for name in extra)}


def lan_address(host: str) -> str:
    """The address by which others on the network reach a page bound to ``host``."""
    if host not in _ANY:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the system picks the interface
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def url(host: str, port: int, token: str | None) -> str:
    """What to open."""
    name = "127.0.0.1" if is_loopback(host) else lan_address(host)
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def qr_code(text: str) -> str:
    """``text`` as a QR code for a terminal."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue()
