"""How many bars are written side by side: as many as come in time.

Bars side by side share each pass over the weights, but each takes longer for it. When one is given
up as too late, half as many may begin; when some have come in time, one more (additive increase,
multiplicative decrease; Chiu and Jain, 1989).
"""

from __future__ import annotations

from midigpt_server.session.observer import JobTiming, SessionObserver
from midigpt_server.session.snapshot import Wanted
from midigpt_server.timing.cost_model import CostModel

_DONE_BEFORE_MORE = 4


class Admission(SessionObserver):
    """``limit`` is at most ``slots`` and at least 1."""

    def __init__(self, slots: int) -> None:
        self.limit = self._slots = slots
        self._costs = CostModel()
        self._done = 0

    def on_job(self, session_id: str, timing: JobTiming, now: float) -> None:
        """A bar was written, or given up."""
        if timing.started is None:
            return
        if timing.outcome == "too late":
            self.limit, self._done = max(1, self.limit // 2), 0
        elif timing.outcome == "done":
            self._costs.learn(timing.tokens, timing.finished - timing.started)
            self._done += 1
            if self._done >= _DONE_BEFORE_MORE:
                self.limit, self._done = min(self._slots, self.limit + 1), 0

    def can_be_met(self, wanted: Wanted, now: float) -> bool:
        """Whether a bar that begins now is likely to be there before it is given up."""
        end = wanted.give_up_at
        return end is None or now + self._costs.seconds(0.5) <= end
