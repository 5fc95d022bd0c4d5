"""What every packet passes on its way in: limits first, then the decoder, then the receiver."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Sequence

from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import ERROR, reply
from midigpt_server.transports.limits import FAULT_COST, MESSAGES_PER_SECOND, Limits
from midigpt_server.transports.transport import Peer, Receiver

log = logging.getLogger(__name__)


class Gate:
    """Between the packets of a transport and the receiver, on the loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._limits = Limits()
        self.counters = receiver.counters

    def admits(self, key: Hashable) -> bool:
        """Whether to look at a packet of this client at all; cheap, because floods end here."""
        self.counters["received"] += 1
        if self._limits.admits(key, time.monotonic()):
            return True
        self.counters["over_limit"] += 1
        return False

    def discarded(self, key: Hashable, packets: int) -> None:
        """So many packets of a client that is over its limit were thrown away unread."""
        self.counters["received"] += packets
        self.counters["over_limit"] += packets
        self._limits.drop(key, packets, time.monotonic())

    def take(self, packet: bytes, peer: Peer) -> bool:
        """Hand on the messages of an admitted packet; False of one that cannot be read."""
        if dropped := self._limits.to_report(peer.key, time.monotonic()):
            text = f"{dropped} packets dropped: at most {MESSAGES_PER_SECOND:.0f} messages a second"
            log.warning("from %s: %s", peer.key, text)
            peer.send([reply("warning", "rate", text)])
        try:
            messages = osc.decode(packet)
        except osc.UndecodableError as problem:
            self.counters["undecodable"] += 1
            self._limits.charge(peer.key, FAULT_COST)
            log.debug("from %s: %s", peer.key, problem)
            return False
        self._limits.charge(peer.key, len(messages) - 1)
        self._receiver.receive(messages, peer)
        return True

    def sent(self, messages: Sequence[Message], key: Hashable) -> None:
        """Count what goes out; refusals are charged to the client that brought them about."""
        self.counters["sent"] += len(messages)
        refusals = sum(message.address == ERROR for message in messages)
        if refusals:
            self._limits.charge(key, refusals * FAULT_COST)
