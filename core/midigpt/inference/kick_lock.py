"""A bass that begins its notes with the kick drum (``InferenceConfig.follow_kick``)."""

from __future__ import annotations

import math
from collections.abc import Collection

from midigpt.general_midi import KICKS
from midigpt.roles import role_of_track
from midigpt.score import Score

# In nats at full strength; chosen on validation music, see docs/decisions/0019-follow-kick.md.
_TOWARDS, _AWAY = 6.0, 3.0


def kicks_to_follow(window: Score, cells: Collection[tuple[int, int]]) -> frozenset[int]:
    """Onsets of the kick drum for the bar of a bass that is to be written, in ticks.

    Those of the same bar; where it is hidden or has none, those of the last bar that has some.
    Empty if the ``cells``, (track, bar), are not one bar of a bass, or no kick is known.
    """
    if len(cells) != 1:
        return frozenset()
    ((track, bar),) = cells
    if role_of_track(window.tracks[track]) != "bass":
        return frozenset()
    drums = [other for other in window.tracks if other.track_type == "drum"]
    kicks = (
        frozenset(
            note.onset_ticks
            for other in drums
            if not other.bars[known].future
            for note in other.bars[known].notes
            if note.pitch in KICKS
        )
        for known in range(bar, -1, -1)
    )
    return next(filter(None, kicks), frozenset())


def onset_weight(tick: int, kicks: frozenset[int], strength: float) -> float:
    """Factor on the probability that a note begins at ``tick``; ``strength`` 0..1.

    The bar's first tick is never less likely, as basses begin there without a kick, too.
    """
    if tick in kicks:
        return math.exp(_TOWARDS * strength)
    return 1.0 if tick == 0 else math.exp(-_AWAY * strength)
