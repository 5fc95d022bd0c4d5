"""The score model: tracks of bars of notes, in plain dataclasses.

All times are integer ticks at ``Score.resolution`` ticks per quarter note. A note lives in the bar
of its onset, counted from the start of that bar; its duration may run past the bar line. Every
track of a piece is expected to have the same number of bars.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from os import PathLike
from typing import Any


@dataclass
class Note:
    """One note: MIDI pitch and velocity (0..127), onset in its bar and duration, in ticks.

    ``delta`` is microtiming, in 1/resolution of a tick.
    """

    pitch: int
    velocity: int
    onset_ticks: int
    duration_ticks: int
    delta: int = 0


@dataclass
class Bar:
    """One bar: its notes and time signature; ``beat_length`` is its length in quarter notes.

    ``future`` hides the bar from the model.
    """

    notes: list[Note] = field(default_factory=list)
    ts_numerator: int = 4
    ts_denominator: int = 4
    beat_length: float = 4.0
    future: bool = False


@dataclass
class Track:
    """Bars, General MIDI program (0..127), ``"melodic"`` or ``"drum"``, attribute levels."""

    bars: list[Bar] = field(default_factory=list)
    instrument: int = 0
    track_type: str = "melodic"
    attributes: dict[str, int] = field(default_factory=dict)


@dataclass
class Score:
    """A piece: tracks, ticks per quarter note, and one tempo in microseconds per quarter note."""

    tracks: list[Track] = field(default_factory=list)
    resolution: int = 480
    tempo: int = 500_000

    @classmethod
    def from_midi(cls, path: str | PathLike[str]) -> Score:
        """Read a Standard MIDI File at 480 ticks per quarter note.

        Raises:
            midigpt.midi.MidiError: the file is not a readable MIDI file.
            OSError: the file cannot be opened.
        """
        from midigpt import midi

        return midi.read(path)

    @classmethod
    def from_bytes(cls, data: bytes) -> Score:
        """Read the bytes of a Standard MIDI File; see :meth:`from_midi`."""
        from midigpt import midi

        return midi.read_bytes(data)

    def to_midi(self, path: str | PathLike[str]) -> None:
        """Write a format-1 Standard MIDI File at this score's resolution."""
        from midigpt import midi

        midi.write(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, ready for JSON (attributes and beat lengths left out)."""
        return {
            "resolution": self.resolution,
            "tempo": self.tempo,
            "tracks": [
                {
                    "instrument": track.instrument,
                    "track_type": track.track_type,
                    "bars": [
                        {
                            "ts_numerator": bar.ts_numerator,
                            "ts_denominator": bar.ts_denominator,
                            "future": bar.future,
                            "notes": [vars(note).copy() for note in bar.notes],
                        }
                        for bar in track.bars
                    ],
                }
                for track in self.tracks
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Score:
        """Inverse of :meth:`to_dict`; missing keys get defaults.

        ``beat_length`` follows from the time signature, as quarter notes.
        """

        def bar(d: dict[str, Any]) -> Bar:
            numerator, denominator = d.get("ts_numerator", 4), d.get("ts_denominator", 4)
            return Bar(
                notes=[Note(**n) for n in d.get("notes", [])],
                ts_numerator=numerator,
                ts_denominator=denominator,
                beat_length=d.get("beat_length", 4.0 * numerator / denominator),
                future=d.get("future", False),
            )

        return cls(
            tracks=[
                Track(
                    bars=[bar(b) for b in t.get("bars", [])],
                    instrument=t.get("instrument", 0),
                    track_type=t.get("track_type", "melodic"),
                    attributes=dict(t.get("attributes", {})),
                )
                for t in data.get("tracks", [])
            ],
            resolution=data.get("resolution", 480),
            tempo=data.get("tempo", 500_000),
        )

    def resample(self, target_tpq: int) -> Score:
        """A copy at ``target_tpq`` ticks per quarter note, rounded half to even; self if equal.

        Durations stay at least 1 tick. ``delta`` counts 1/resolution of a tick, so it is a
        time of ``delta / resolution**2`` quarter notes and scales with the square of the ratio.
        """
        if target_tpq == self.resolution:
            return self
        factor = target_tpq / self.resolution
        score = copy.deepcopy(self)
        score.resolution = target_tpq
        for track in score.tracks:
            for bar in track.bars:
                for note in bar.notes:
                    note.onset_ticks = round(note.onset_ticks * factor)
                    note.duration_ticks = max(1, round(note.duration_ticks * factor))
                    note.delta = round(note.delta * factor * factor)
        return score
