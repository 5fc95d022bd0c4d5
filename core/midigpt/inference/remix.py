"""``controls["remix"]``: keep the rhythm of the bars to generate and change some of their notes.

``{"amount": 0.5, "mode": "pitch"}``: ``amount`` in (0, 1] is the share of notes whose pitch (mode
``"full"``: and duration) the model chooses anew; all other notes stay, velocities apart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midigpt.inference import checks
from midigpt.score import Bar

MODES = ("pitch", "full")


@dataclass(frozen=True)
class RemixNote:
    """One note of the schedule; None leaves the choice to the model. Duration in ticks."""

    pitch: int | None
    duration: int | None


#: Onset in ticks of the model grid, and the notes that start there by ascending pitch.
RemixGroup = tuple[int, tuple[RemixNote, ...]]


def remix_schedules(
    bars: Sequence[Bar], remix: Mapping[str, Any], seed: int
) -> list[list[RemixGroup]]:
    """What to force in each of ``bars`` (on the model grid, in the order they are generated).

    max(1, round(amount * notes)) notes, drawn with ``random.Random(seed)``, are left free.
    An empty bar has an empty schedule and is free altogether.
    """
    groups = [_groups(bar) for bar in bars]
    places = [
        (b, g, n)
        for b, bar_groups in enumerate(groups)
        for g, (_, notes) in enumerate(bar_groups)
        for n in range(len(notes))
    ]
    if not places:
        return [[] for _ in bars]
    count = max(1, round(remix["amount"] * len(places)))
    free = set(random.Random(seed).sample(places, min(count, len(places))))
    free_durations = remix.get("mode", "pitch") == "full"

    def forced(place: tuple[int, int, int], pitch: int, duration: int) -> RemixNote:
        if place not in free:
            return RemixNote(pitch, duration)
        return RemixNote(None, None if free_durations else duration)

    return [
        [
            (
                onset,
                tuple(
                    forced((b, g, n), pitch, duration) for n, (pitch, duration) in enumerate(notes)
                ),
            )
            for g, (onset, notes) in enumerate(bar_groups)
        ]
        for b, bar_groups in enumerate(groups)
    ]


def validate_remix(remix: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the key, if ``remix`` is malformed."""
    checks.mapping("remix", remix, ("amount", "mode"))
    checks.number("remix.amount", remix.get("amount"), 0, 1, include="(]")
    checks.choice("remix.mode", remix.get("mode", "pitch"), MODES)


def _groups(bar: Bar) -> list[tuple[int, list[tuple[int, int]]]]:
    """Onsets, ascending, with the (pitch, duration) pairs that start there by pitch."""
    by_onset: dict[int, list[tuple[int, int]]] = {}
    for note in bar.notes:
        by_onset.setdefault(note.onset_ticks, []).append((note.pitch, note.duration_ticks))
    return [
        (onset, sorted(notes, key=lambda note: note[0]))
        for onset, notes in sorted(by_onset.items())
    ]
