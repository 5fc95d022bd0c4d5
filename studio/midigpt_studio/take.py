"""A take: music by bars as the page holds it, from and to the bytes of a MIDI file.

JSON object: ``resolution`` (ticks per quarter note), ``meters`` (``[numerator, denominator]`` of
each bar), ``tempos`` (``[position in bars, beats per minute]``, the first at 0) and ``tracks``,
each with ``name``, ``instrument``, ``is_drum`` and ``bars``: for each bar its notes
``[pitch, velocity, onset, duration]``, times in fractions of the bar, as on the OSC wire.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from typing import Any, TypeAlias

from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from midigpt import midi
from midigpt.score import Bar
from midigpt.smf import LAST_TICK, checked

Take: TypeAlias = dict[str, Any]

DEFAULT_RESOLUTION = 960
_MAX_BARS = 100_000
_MAX_NOTES = 500_000
_PADDING = bytes(8)  # the parser may look a few bytes beyond a short meta event


class BadTakeError(ValueError):
    """The object is no take."""


def read_take(data: bytes) -> Take:
    """The take of a MIDI file; nothing is rounded: its resolution is the file's.

    Raises:
        midigpt.smf.MidiError: the bytes are not a readable MIDI file.
    """
    file = ScoreTick.from_midi(checked(data) + _PADDING)
    resolution = file.ticks_per_quarter
    score = midi.read_bytes(data, resolution)
    longest = max((track.bars for track in score.tracks), key=len, default=[Bar()])
    starts = _starts(longest, resolution)
    tempos = {0.0: 120.0}
    for tempo in file.tempos:
        tempos[_position(tempo.time, starts)] = 60e6 / tempo.mspq
    return {
        "resolution": resolution,
        "meters": [[bar.ts_numerator, bar.ts_denominator] for bar in longest],
        "tempos": sorted([position, bpm] for position, bpm in tempos.items()),
        "tracks": [
            {
                "name": file.tracks[index].name.strip()[:80],
                "instrument": track.instrument,
                "is_drum": track.track_type == "drum",
                "bars": [_notes(bar, resolution) for bar in track.bars],
            }
            for index, track in enumerate(score.tracks)
        ],
    }


def write_take(take: Any) -> bytes:
    """The bytes of a MIDI file of format 1.

    Raises:
        BadTakeError: a value is missing, of the wrong type or out of range.
    """
    try:
        return _written(take)
    except BadTakeError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as problem:
        raise BadTakeError(f"not a take: {type(problem).__name__} {problem}") from None


def _written(take: Any) -> bytes:
    resolution = int(take.get("resolution", DEFAULT_RESOLUTION))
    meters = [(int(n), int(d)) for n, d in take["meters"]]
    _require("resolution", resolution, 1, 0x7FFF)
    _require("number of bars", len(meters), 0, _MAX_BARS)
    file = ScoreTick(resolution)
    lengths = []
    last = None
    for index, (numerator, denominator) in enumerate(meters):
        _require(f"numerator of bar {index}", numerator, 1, 255)
        if denominator not in (1, 2, 4, 8, 16, 32, 64, 128):
            raise BadTakeError(f"denominator of bar {index} is {denominator}; a power of 2")
        lengths.append(4 * numerator * resolution // denominator)
    starts = [0, *itertools.accumulate(lengths)]
    for start, meter in zip(starts, meters, strict=False):
        if meter != last:
            file.time_signatures.append(TimeSignatureTick(start, *meter))
            last = meter
    for position, bpm in take["tempos"]:
        bar = min(int(position), len(lengths) - 1) if lengths else 0
        offset = (position - bar) * lengths[bar] if lengths else 0
        _require("tempo", bpm, 4, 1000)
        file.tempos.append(TempoTick(round(starts[bar] + offset), mspq=round(60e6 / bpm)))
    count = 0
    for track in take["tracks"]:
        _require("instrument", int(track["instrument"]), 0, 127)
        written = TrackTick(
            str(track.get("name", ""))[:80], int(track["instrument"]), bool(track["is_drum"])
        )
        for start, length, bar_notes in zip(starts, lengths, track["bars"], strict=False):
            count += len(bar_notes)
            _require("number of notes", count, 0, _MAX_NOTES)
            for note in bar_notes:
                written.notes.append(_note(note, start, length))
        file.tracks.append(written)
    return bytes(file.dumps_midi())


def _note(note: Any, start: int, length: int) -> NoteTick:
    pitch, velocity, onset, duration = note
    _require("pitch", int(pitch), 0, 127)
    _require("velocity", int(velocity), 1, 127)
    time = start + math.floor(onset * length + 0.5)
    ticks = max(1, math.floor(duration * length + 0.5))
    _require("onset", time, 0, LAST_TICK - ticks)
    return NoteTick(time, ticks, int(pitch), int(velocity))


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadTakeError(f"{name} is {value}; {low}..{high} is wanted")


def _starts(bars: list[Bar], resolution: int) -> list[int]:
    beats = itertools.accumulate((bar.beat_length for bar in bars), initial=0.0)
    return [math.floor(resolution * beat + 0.5) for beat in beats]


def _position(tick: int, starts: list[int]) -> float:
    bar = min(max(bisect_right(starts, tick) - 1, 0), len(starts) - 2)
    return bar + (tick - starts[bar]) / (starts[bar + 1] - starts[bar])


def _notes(bar: Bar, resolution: int) -> list[list[float]]:
    length = 4 * bar.ts_numerator * resolution / bar.ts_denominator
    return [
        [note.pitch, note.velocity, note.onset_ticks / length, note.duration_ticks / length]
        for note in bar.notes
    ]
