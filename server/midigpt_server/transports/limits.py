"""How much one client may send: a bucket of tokens for each, so that a flood disturbs nobody."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

MESSAGES_PER_SECOND = 1_000.0
BURST = 4_000.0
AFTER_HOLD = 100.0  # messages, of a client of whose flood some was thrown away unread
#: What a packet that cannot be read, or a message that is refused, costs beside itself.
FAULT_COST = 20.0
MAX_CLIENTS = 4_096
_SECONDS_BETWEEN_REPORTS = 1.0


@dataclass
class _Bucket:
    tokens: float
    filled: float  # when, on the clock
    dropped: int = 0
    reported: float = float("-inf")


class Limits:
    """Buckets by client; ``now`` is in seconds of any clock that never goes back.

    A client may send ``BURST`` messages at once and ``MESSAGES_PER_SECOND`` in the long run. Faults
    cost ``FAULT_COST`` each: its error budget is 50 of them a second.
    """

    def __init__(self) -> None:
        self._buckets: dict[Hashable, _Bucket] = {}

    def admits(self, client: Hashable, now: float) -> bool:
        """Whether the next packet of this client shall be looked at; it costs one token."""
        bucket = self._buckets.get(client) or self._new(client, now)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.filled) * MESSAGES_PER_SECOND)
        bucket.filled = now
        if bucket.tokens < 1.0:
            bucket.dropped += 1
            return False
        bucket.tokens -= 1.0
        return True

    def charge(self, client: Hashable, cost: float) -> None:
        """Take more, for the further messages of a packet or for a fault; at most a second's worth
        of debt is made."""
        if bucket := self._buckets.get(client):
            bucket.tokens = max(bucket.tokens - cost, -MESSAGES_PER_SECOND)

    def drop(self, client: Hashable, packets: int, now: float) -> None:
        """So many more packets were dropped unread, to be told; little was saved up meanwhile."""
        if bucket := self._buckets.get(client):
            bucket.dropped += packets
            saved = bucket.tokens + (now - bucket.filled) * MESSAGES_PER_SECOND
            bucket.tokens, bucket.filled = min(saved, AFTER_HOLD), now

    def to_report(self, client: Hashable, now: float) -> int:
        """How many packets were dropped and not yet reported; 0 within a second of a report."""
        bucket = self._buckets[client]
        if not bucket.dropped or now - bucket.reported < _SECONDS_BETWEEN_REPORTS:
            return 0
        dropped, bucket.dropped, bucket.reported = bucket.dropped, 0, now
        return dropped

    def _new(self, client: Hashable, now: float) -> _Bucket:
        if len(self._buckets) >= MAX_CLIENTS:  # forget those that have been silent for longest
            silent = sorted(self._buckets, key=lambda c: self._buckets[c].filled)
            for old in silent[: MAX_CLIENTS // 2]:
                del self._buckets[old]
        bucket = self._buckets[client] = _Bucket(BURST, now)
        return bucket
