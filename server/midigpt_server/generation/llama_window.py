"""A job as events in beats: what a Llama reads before it writes a bar.

Time is counted in beats, not in seconds: a fixed whole number of ticks a quarter note, chosen so
that the tempo is about right. Bar lines then are exact ids, and a tempo that drifts changes nothing
of what was read. Source: design notes on playing text-to-music Llamas live.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from midigpt import events
from midigpt.captions.instruments import NAME_OF
from midigpt.general_midi import FAMILY_SIZE
from midigpt_server.generation.job import Job, JobTrack
from midigpt_server.timing.bars import BarNote, Meter

#: Ticks of a quarter note: multiples of 12, so that sixteenths and triplets are whole ticks.
_QUARTERS = tuple(range(24, 132, 12))
_TICKS_PER_MINUTE = 60 * events.TICKS_PER_SECOND
_USUAL_TEMPO = 120.0
_FAR = math.log(1.25)
_USUAL_VELOCITY = 80
_HEARD_BARS = 2  # whose velocities an agent follows


@dataclass(frozen=True)
class Window:
    """The bars of a job from ``base`` on, in ticks from the line of that bar."""

    job: Job
    base: int
    quarter: int

    def line(self, bar: int) -> int:
        """Where a bar begins; those after the job have the meter of its last."""
        return sum(self.length(b) for b in range(self.base, bar))

    def length(self, bar: int) -> int:
        """Of a bar."""
        return round(self.meter(bar).quarters * self.quarter)

    def events(self, end: int, written: Mapping[int, Sequence[BarNote]]) -> events.Events:
        """All that is known before bar ``end``, sorted, with rests up to its line.

        ``written`` are bars of the agent that the job does not have yet. What a human plays in bars
        not heard yet is taken to be what was played in the last one.
        """
        rows: list[tuple[int, int, int]] = []
        programs = instruments(self.job)
        for track in self.job.tracks:
            if track.ignored:
                continue
            note_base = 128 * programs[track.id]
            for bar in range(self.base, end):
                notes = self.notes(track, bar, written)
                line, length = self.line(bar), self.length(bar)
                rows += [
                    (
                        line + round(note.onset * length),
                        min(round(note.duration * length), events.DURATIONS - 1),
                        note_base + note.pitch,
                    )
                    for note in notes
                ]
        found = np.array(sorted(rows), dtype=np.int32).reshape(-1, 3)
        return events.pad(found, self.line(end))

    def notes(
        self, track: JobTrack, bar: int, written: Mapping[int, Sequence[BarNote]]
    ) -> Sequence[BarNote]:
        """What a track plays in a bar: what is known, written, or taken to be."""
        if track.id == self.job.agent_id and bar in written:
            return written[bar]
        if not track.is_agent and track.hidden and bar >= track.hidden[0]:
            bar = track.hidden[0] - 1
        index = bar - self.job.first_bar
        return track.bars[index] if 0 <= index < len(track.bars) else ()

    def meter(self, bar: int) -> Meter:
        """Of a bar; those after the job have that of its last."""
        return self.job.meters[min(bar - self.job.first_bar, len(self.job.meters) - 1)]


def quarter_ticks(tempo: float | None, before: int = 0) -> int:
    """Ticks of a quarter note for a tempo in BPM: those whose own tempo is nearest to it.

    Those from ``before`` stay until they are far off, so that an estimate that wavers changes
    nothing.
    """
    wanted = tempo or _USUAL_TEMPO

    def distance(ticks: int) -> float:
        return abs(math.log(own_tempo(ticks) / wanted))

    if before and distance(before) <= _FAR:
        return before
    return min(_QUARTERS, key=distance)


def own_tempo(quarter: int) -> float:
    """The tempo in BPM at which so many ticks a quarter note are 10 ms each."""
    return _TICKS_PER_MINUTE / quarter


def instruments(job: Job) -> dict[int, int]:
    """By track id: the instrument that a track is to the model.

    Tracks with one sound would be one instrument to it, so the agent then takes a neighbour of the
    same family. Of several drum kits the agent's cannot be told from the others'.
    """
    found = {t.id: events.DRUMS if t.is_drum else t.instrument for t in job.tracks}
    own = found[job.agent_id]
    others = {found[t.id] for t in job.tracks if t.id != job.agent_id and not t.ignored}
    if own in others and own != events.DRUMS:
        first = own // FAMILY_SIZE * FAMILY_SIZE
        free = [p for p in range(first, first + FAMILY_SIZE) if p not in others]
        found[job.agent_id] = min(free, key=lambda p: abs(p - own), default=own)
    return found


def names(job: Job) -> tuple[str, ...]:
    """Everyday names of all that play, the agent first, each once."""
    programs = instruments(job)
    order = [job.agent, *(t for t in job.tracks if t.id != job.agent_id and not t.ignored)]
    return tuple(dict.fromkeys(NAME_OF[programs[track.id]] for track in order))


def velocities(job: Job) -> int:
    """The mean velocity of what was heard last, as events have none."""
    heard = [
        note.velocity
        for track in job.tracks
        if not track.ignored and track.id != job.agent_id
        for bar in track.bars[: job.target - job.first_bar][-_HEARD_BARS:]
        for note in bar
    ]
    return round(sum(heard) / len(heard)) if heard else _USUAL_VELOCITY
