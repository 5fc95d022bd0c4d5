"""Between the dataclasses of :mod:`midigpt.score` and the core's flat score."""

from __future__ import annotations

from midigpt import _native
from midigpt.score import Bar, Note, Score, Track


def to_cpp(score: Score) -> _native.Score:
    """The core's form of a score: one pool of notes that bars point into."""
    flat = _native.Score()
    flat.resolution, flat.tempo = score.resolution, score.tempo
    pool: list[_native.Note] = []
    tracks = []
    for track in score.tracks:
        out = _native.Track()
        out.instrument = track.instrument
        out.type = _native.TrackType.Drum if track.track_type == "drum" else _native.TrackType.Melodic
        out.attributes = track.attributes
        bars = []
        for bar in track.bars:
            first = len(pool)
            pool.extend(
                _native.Note(n.pitch, n.velocity, n.onset_ticks, n.duration_ticks, n.delta)
                for n in bar.notes
            )
            b = _native.Bar()
            b.note_indices = range(first, len(pool))
            b.ts_numerator, b.ts_denominator = bar.ts_numerator, bar.ts_denominator
            b.beat_length, b.future = bar.beat_length, bar.future
            bars.append(b)
        out.bars = bars
        tracks.append(out)
    flat.tracks, flat.notes = tracks, pool
    return flat


def from_cpp(flat: _native.Score) -> Score:
    """The dataclass form of a core score."""
    pool = [
        Note(n.pitch, n.velocity, n.onset_ticks, n.duration_ticks, n.delta) for n in flat.notes
    ]
    return Score(
        tracks=[
            Track(
                bars=[
                    Bar(
                        [pool[i] for i in b.note_indices],
                        b.ts_numerator,
                        b.ts_denominator,
                        b.beat_length,
                        b.future,
                    )
                    for b in t.bars
                ],
                instrument=t.instrument,
                track_type="drum" if t.type == _native.TrackType.Drum else "melodic",
                attributes=dict(t.attributes),
            )
            for t in flat.tracks
        ],
        resolution=flat.resolution,
        tempo=flat.tempo,
    )
