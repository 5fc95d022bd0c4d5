"""Standard MIDI Files: reading to and writing from scores.

Bars follow from the time signatures; tracks are one per MTrk chunk, channel and program. The rules
are those of MIDI-GPT 0.4.2, so that a file gives the same tokens here and there.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from midigpt.score import Bar, Note, Score, Track
from midigpt.smf import LAST_TICK, MidiError, checked

__all__ = ["MidiError", "read", "read_bytes", "write", "write_bytes"]

#: Files with more bars than this in all their tracks are refused: a few bytes can ask for millions.
MAX_BARS = 500_000

#: The parser may look a few bytes beyond a short meta event.
_PADDING = bytes(8)
_DENOMINATORS = tuple(1 << k for k in range(8))
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def read(path: str | PathLike[str], resolution: int = 480) -> Score:
    """Read a file; see :func:`read_bytes`.

    Raises:
        MidiError: the file is not a readable MIDI file.
        OSError: the file cannot be opened.
    """
    try:
        return read_bytes(Path(path).read_bytes(), resolution)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None


def read_bytes(data: bytes, resolution: int = 480) -> Score:
    """Read the bytes of a Standard MIDI File at ``resolution`` ticks per quarter note (1 or more).

    A note belongs to the bar of its onset; ``Note.delta`` holds what rounding the onset took away,
    in 1/resolution of a tick. The first tempo counts for the whole score.

    Raises:
        MidiError: the bytes are not a readable MIDI file.
        ValueError: resolution is below 1.
    """
    if resolution < 1:
        raise ValueError(f"resolution is {resolution}; 1 or more is wanted")
    try:
        file = ScoreTick.from_midi(checked(bytes(data)) + _PADDING)
    except RuntimeError as error:
        raise MidiError(f"unreadable MIDI file: {error}") from None
    tpq = file.ticks_per_quarter
    columns = [track.notes.numpy() for track in file.tracks]
    signatures = [(t.time, t.numerator, t.denominator) for t in file.time_signatures]
    ends = [int((c["time"] + c["duration"]).max()) for c in columns if len(c["time"])]
    end = max([0, *ends, *(time for time, _, _ in signatures)])
    most = MAX_BARS // max(1, len(columns))
    grid = _Grid.build(signatures, tpq, end, resolution, most)
    tempos = sorted(((t.time, t.mspq) for t in file.tempos), key=lambda t: t[0])
    return Score(
        tracks=[
            Track(
                bars=grid.place(notes),
                instrument=track.program,
                track_type="drum" if track.is_drum else "melodic",
            )
            for track, notes in zip(file.tracks, columns, strict=True)
        ],
        resolution=resolution,
        tempo=tempos[0][1] if tempos else 500_000,
    )


@dataclass(frozen=True)
class _Grid:
    """The bars of a file: starts and lengths in file ticks, nominal starts in score ticks."""

    starts: _Ints
    lengths: _Ints
    nominal: _Floats
    signatures: list[tuple[int, int]]
    tpq: int
    resolution: int

    @classmethod
    def build(
        cls, signatures: list[tuple[int, int, int]], tpq: int, end: int, resolution: int, most: int
    ) -> _Grid:
        """Lay bars from tick 0 to ``end``, at least one and ``most`` at the most.

        A bar that a new time signature cuts short keeps its full nominal length.
        """
        changes = {0: (4, 4)}
        for time, numerator, denominator in sorted(signatures, key=lambda s: s[0]):
            changes[time] = (numerator, denominator)
        times = [*changes, end]
        starts: list[int] = []
        lengths: list[int] = []
        bars: list[tuple[int, int]] = []
        for i, (time, (numerator, denominator)) in enumerate(changes.items()):
            length = 4 * tpq * numerator // denominator
            if length == 0:
                continue
            last = i == len(changes) - 1
            count = max(-(-(times[i + 1] - time) // length), int(last))
            if len(bars) + count > most:
                raise MidiError(f"the MIDI file has more than {most} bars in each track")
            starts += range(time, time + count * length, length)
            lengths += [length] * count
            bars += [(numerator, denominator)] * count
        if not bars:
            raise MidiError(f"no bar is a tick long at {tpq} ticks per quarter note")
        spans = resolution * np.array(lengths, dtype=np.int64) / tpq
        nominal = np.concatenate([[0.0], np.cumsum(spans)[:-1]])
        return cls(np.array(starts), np.array(lengths), nominal, bars, tpq, resolution)

    def place(self, notes: dict[str, npt.NDArray[Any]]) -> list[Bar]:
        """The bars of one track, with notes (columns in file ticks) put where they start.

        A note whose onset rounds up to the end of its bar is dropped.
        """
        bars = [
            Bar(ts_numerator=n, ts_denominator=d, beat_length=length / self.tpq)
            for (n, d), length in zip(self.signatures, self.lengths.tolist(), strict=True)
        ]
        on = notes["time"].astype(np.int64)
        off = on + notes["duration"]
        first, last = self._bar_of(on), self._bar_of(off)
        position = (on - self.starts[first]) / self.tpq * self.resolution
        onset = _rounded(position)
        delta = _rounded((position - onset) * self.resolution)
        ticks = _rounded(self.resolution * self.lengths[first] / self.tpq)
        kept = (onset < ticks) | (ticks <= 0)
        onset = np.maximum(onset, 0)
        end = _rounded(self.nominal[last]) + _rounded(
            (off - self.starts[last]) / self.tpq * self.resolution
        )
        duration = np.maximum(1, end - _rounded(self.nominal[first]) - onset)
        rows = zip(
            first[kept].tolist(),
            notes["pitch"][kept].tolist(),
            notes["velocity"][kept].tolist(),
            onset[kept].tolist(),
            duration[kept].tolist(),
            delta[kept].tolist(),
            strict=True,
        )
        for bar, *note in rows:
            bars[bar].notes.append(Note(*note))
        return bars

    def _bar_of(self, ticks: _Ints) -> _Ints:
        return np.maximum(np.searchsorted(self.starts, ticks, side="right") - 1, 0)


def _rounded(values: _Floats) -> _Ints:
    """Round half away from zero."""
    whole = np.trunc(values)
    return (whole + np.copysign(np.abs(values - whole) >= 0.5, values)).astype(np.int64)


def write(score: Score, path: str | PathLike[str]) -> None:
    """Write a file; see :func:`write_bytes`. Raises OSError when it cannot be written."""
    Path(path).write_bytes(write_bytes(score))


def write_bytes(score: Score) -> bytes:
    """The bytes of a format-1 Standard MIDI File at the score's resolution.

    One MTrk per track; drums are on channel 9, the others take the remaining 15 channels in turn.
    Bars start where the ``beat_length`` of the longest track says. ``Note.delta`` is not written.

    Raises:
        ValueError: a value of the score has no place in a MIDI file.
    """
    _require("resolution", score.resolution, 1, 0x7FFF)
    _require("tempo", score.tempo, 1, 0xFFFFFF)
    file = ScoreTick(score.resolution)
    file.tempos.append(TempoTick(0, mspq=score.tempo))
    longest = max((track.bars for track in score.tracks), key=len, default=[])
    beats = itertools.accumulate((bar.beat_length for bar in longest), initial=0.0)
    starts = [math.floor(score.resolution * beat + 0.5) for beat in beats]
    signature = None
    for start, bar in zip(starts, longest, strict=False):
        if signature != (bar.ts_numerator, bar.ts_denominator):
            signature = bar.ts_numerator, bar.ts_denominator
            _require("ts_numerator", bar.ts_numerator, 1, 255)
            if bar.ts_denominator not in _DENOMINATORS:
                raise ValueError(f"ts_denominator is {bar.ts_denominator}; a power of 2 is wanted")
            file.time_signatures.append(TimeSignatureTick(start, *signature))
    for track in score.tracks:
        file.tracks.append(_written_track(track, starts))
    return bytes(file.dumps_midi())


def _written_track(track: Track, starts: list[int]) -> TrackTick:
    _require("instrument", track.instrument, 0, 127)
    written = TrackTick("", track.instrument, track.track_type == "drum")
    for start, bar in zip(starts, track.bars, strict=False):
        for note in bar.notes:
            _require("pitch", note.pitch, 0, 127)
            _require("velocity", note.velocity, 0, 127)
            _require("onset_ticks", start + note.onset_ticks, 0, LAST_TICK)
            _require("duration_ticks", note.duration_ticks, 0, LAST_TICK - start - note.onset_ticks)
            written.notes.append(
                NoteTick(start + note.onset_ticks, note.duration_ticks, note.pitch, note.velocity)
            )
    return written


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; {low}..{high} is wanted")
