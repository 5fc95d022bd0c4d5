"""The messages that bring one generated bar to the client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import reply
from midigpt_server.timing.bars import BarNote, Meter

MAX_ONSET = 0.9999
MIN_DURATION = 0.0001


def bar_messages(
    track_id: int,
    bar: int,
    notes: Sequence[BarNote],
    meter: Meter,
    resolution: int,
    long_notes: bool = False,
) -> list[Message]:
    """Open, notes, close, and features unless the bar is empty.

    Durations are cut at one bar unless ``long_notes`` (D18); features tell durations in ticks at
    ``resolution`` ticks per quarter note.
    """
    longest = float("inf") if long_notes else 1.0
    messages = [reply("generated/open", track_id, bar, len(notes))]
    for note in notes:
        onset = min(max(note.onset, 0.0), MAX_ONSET)
        duration = min(max(note.duration, MIN_DURATION), longest)
        messages.append(
            reply("generated/note", track_id, bar, note.pitch, note.velocity, onset, duration)
        )
    messages.append(reply("generated/close", track_id, bar))
    if notes:
        figures = bar_features(notes, meter.numerator, meter.ticks(resolution))
        messages.append(reply("generated/features", track_id, bar, *figures))
    return messages


def bar_features(
    notes: Sequence[BarNote], numerator: int, bar_ticks: int
) -> tuple[float, float, float, int, float, int, int, int]:
    """Note density (notes per beat of the numerator), mean pitch, mean velocity, largest polyphony
    (notes on one onset), mean duration in bars, smallest polyphony, shortest and longest duration
    in ticks of a bar of ``bar_ticks``. ``notes`` must not be empty."""
    count = len(notes)
    chords = Counter(note.onset for note in notes).values()
    ticks = [round(note.duration * bar_ticks) for note in notes]
    return (
        count / numerator,
        sum(note.pitch for note in notes) / count,
        sum(note.velocity for note in notes) / count,
        max(chords),
        sum(note.duration for note in notes) / count,
        min(chords),
        min(ticks),
        max(ticks),
    )
