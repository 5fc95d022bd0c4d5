"""What an agent plays when a bar cannot be ready: made at once from its own last bars."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from midigpt_server.timing.bars import BarNote, Meter

_VELOCITY_CHANGE = 9


def fallback_bar(
    policy: str,
    own_bars: Sequence[tuple[Meter, Sequence[BarNote]]],
    meter: Meter,
    is_drum: bool,
    seed: int,
) -> tuple[BarNote, ...]:
    """The notes of a bar in ``meter``.

    ``own_bars`` are the agent's last bars with their meters, the newest first; the newest that has
    notes is taken, one in the same meter before others. ``repeat`` plays it again; ``vary`` changes
    velocities and swaps two pitches; ``hold`` sustains its last chord (drums repeat); ``rest`` is
    silence, and so is everything when there is no bar to take.
    """
    sounding = [(m, notes) for m, notes in own_bars if notes]
    if policy == "rest" or not sounding:
        return ()
    source, notes = next((bar for bar in sounding if bar[0] == meter), sounding[0])
    if policy == "hold" and not is_drum:
        last = max(note.onset for note in notes)
        return tuple(BarNote(n.pitch, n.velocity, 0.0, 1.0) for n in notes if n.onset == last)
    fitted = _fitted(notes, source, meter)
    return _varied(fitted, Random(seed)) if policy == "vary" else tuple(fitted)


def _fitted(notes: Sequence[BarNote], source: Meter, meter: Meter) -> list[BarNote]:
    """The same rhythm from the bar line on, cut at the end of the bar."""
    if source == meter:
        return list(notes)
    ratio = source.quarters / meter.quarters
    return [
        BarNote(n.pitch, n.velocity, n.onset * ratio, min(n.duration * ratio, 1 - n.onset * ratio))
        for n in notes
        if n.onset * ratio < 1
    ]


def _varied(notes: list[BarNote], random: Random) -> tuple[BarNote, ...]:
    pitches = [note.pitch for note in notes]
    if len(notes) > 1:
        i, j = random.sample(range(len(notes)), 2)
        pitches[i], pitches[j] = pitches[j], pitches[i]
    return tuple(
        BarNote(
            pitch,
            min(127, max(1, note.velocity + random.randint(-_VELOCITY_CHANGE, _VELOCITY_CHANGE))),
            note.onset,
            note.duration,
        )
        for pitch, note in zip(pitches, notes, strict=True)
    )
