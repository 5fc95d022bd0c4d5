"""What a bar costs on this machine, learned from the bars before."""

from __future__ import annotations

from collections import deque

_REMEMBERED = 64  # bars


class CostModel:
    """Tokens and seconds of the last 64 bars, from start to end."""

    def __init__(self) -> None:
        self._tokens: deque[float] = deque(maxlen=_REMEMBERED)
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def learn(self, tokens: int, seconds: float) -> None:
        """A bar of ``tokens`` tokens took ``seconds``."""
        self._tokens.append(tokens)
        self._seconds.append(seconds)

    def tokens(self, share: float = 0.95) -> float:
        """Tokens that this share of bars stayed within; 0 before anything is learned."""
        return _quantile(self._tokens, share)

    def seconds(self, share: float = 0.95) -> float:
        """Seconds within which this share of bars was complete."""
        return _quantile(self._seconds, share)


def _quantile(values: deque[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0
