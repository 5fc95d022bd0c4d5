"""Who may talk to the server: everybody on this machine, others once they have shown the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Hashable
from typing import Any

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.row import Inbound
from midigpt_server.transports.transport import Peer

MAX_ADMITTED = 4_096


class Access:
    """With a token, messages of peers on other machines are refused until one brings it.

    The token comes as an argument of ``session/init`` or of ``token``; a peer that has brought it
    once is known from then on. Without a token everybody is admitted.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._admitted: dict[Hashable, None] = {}  # the latest last

    def check(self, row: Inbound, arguments: tuple[Any, ...], peer: Peer) -> tuple[Any, ...]:
        """The arguments without the token, which nobody else is to see, if this message of this
        peer may pass; raises ProtocolError 11 if not."""
        names = [field.name for field in row.fields]
        place = names.index("token") if "token" in names else len(arguments)
        if self._token is not None and not row.open_to_all and not is_loopback(peer.host):
            self._admit(self._token, str(arguments[place]) if place < len(arguments) else "", peer)
        return arguments[:place]

    def _admit(self, token: str, brought: str, peer: Peer) -> None:
        if hmac.compare_digest(brought.encode(), token.encode()):
            while len(self._admitted) >= MAX_ADMITTED:
                del self._admitted[next(iter(self._admitted))]
            self._admitted[peer.key] = None
        elif brought or peer.key not in self._admitted:
            wrong = "is wrong" if brought else "is missing"
            raise ProtocolError(
                Code.NOT_ADMITTED, f"the token {wrong}: send it with session/init or token"
            )


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
