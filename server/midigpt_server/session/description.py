"""A session as JSON values, for queries and watchers."""

from __future__ import annotations

from typing import Any

from midigpt_server.protocol.parameters import PARAMETERS
from midigpt_server.session.piece import Track
from midigpt_server.session.stage import Stage

SNAPSHOT_BARS = 8


def session(stage: Stage) -> dict[str, Any]:
    """Name, playhead, time, tracks, settings."""
    return {
        "name": stage.name,
        "playhead": stage.timeline.song_bar(stage.piece.playhead),
        "bars_played": stage.piece.playhead,
        "bpm": stage.tempo.bpm,
        "meter": str(stage.meter(stage.piece.playhead)),
        "loop": stage.timeline.loop,
        "tracks": tracks(stage),
        "parameters": stage.parameters.persistent,
        "once": stage.parameters.once,
        "attributes": stage.attributes,
    }


def tracks(stage: Stage, with_notes: bool = False) -> list[dict[str, Any]]:
    """The tracks in creation order; with the notes of the last ``SNAPSHOT_BARS`` bars on demand."""
    return [
        {
            "track_id": track.id,
            "instrument": track.instrument,
            "is_drum": track.is_drum,
            "is_agent": track.is_agent,
            "ignored": track.ignored,
            "parameters": track.parameters,
            "attributes": track.attributes,
            **({"bars": _bars(stage, track), "takes": _takes(stage, track)} if with_notes else {}),
        }
        for track in stage.piece.tracks
    ]


def parameters(stage: Stage) -> dict[str, Any]:
    """Every parameter with its value and what the table says of it."""
    values, defaults = stage.parameters.persistent, stage.parameters.defaults
    return {
        name: {
            "value": values[name],
            "default": defaults[name],
            "type": field.kind,
            "range": field.range_text(),
            "meaning": field.doc,
        }
        for name, field in PARAMETERS.items()
    }


def _takes(stage: Stage, track: Track) -> dict[int, list[int]]:
    """Bars that have several: which one is played, and how many there are."""
    first = stage.piece.playhead - SNAPSHOT_BARS
    return {
        stage.timeline.song_bar(bar): [takes.played, len(takes.written)]
        for bar, takes in sorted(track.takes.items())
        if bar >= first and len(takes.written) > 1
    }


def _bars(stage: Stage, track: Track) -> dict[int, list[list[float]]]:
    first = stage.piece.playhead - SNAPSHOT_BARS
    return {
        stage.timeline.song_bar(bar): [
            [n.pitch, n.velocity, round(n.onset, 4), round(n.duration, 4)] for n in notes
        ]
        for bar, notes in sorted(track.bars.items())
        if bar >= first and notes
    }
