"""A take as a Standard MIDI File: every track, the meters, and the tempo it was played at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from symusic import Note, Score, Tempo, TimeSignature, Track

from midigpt.general_midi import program_name
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.journal.replay import replay
from midigpt_server.journal.store import Entry
from midigpt_server.session.piece import Piece
from midigpt_server.session.piece import Track as SessionTrack
from midigpt_server.session.session import Session
from midigpt_server.timing.bars import Meter, to_ticks

TICKS_PER_QUARTER = 480
DEFAULT_TEMPO = 120.0  # quarter notes a minute, where the take does not tell
#: A bar line this much off the tempo so far, as a share of the bar, is a change of tempo; less is
#: how punctual clients are.
TEMPO_TOLERANCE = 0.03
_NEIGHBOURS = 2  # bars on either side that a bar's tempo is judged with

_BAR_END = "/midigpt/bar/end"


def write_midi(entries: Iterable[Entry], path: Path) -> int:
    """Write a take; returns its number of bars.

    Raises:
        ValueError: no bar of it has ended.
        OSError: the file cannot be written.
    """
    entries = list(entries)
    session = Session(ModelInfo())
    replay(entries, session)
    piece = session.piece
    if not piece.playhead:
        raise ValueError("no bar of this session has ended: there is nothing to export")
    score = Score(TICKS_PER_QUARTER)
    meters, starts = _grid(piece)
    score.time_signatures.extend(
        TimeSignature(starts[bar], meter.numerator, meter.denominator)
        for bar, meter in enumerate(meters)
        if (bar == 0 or meter != meters[bar - 1]) and meter.denominator.bit_count() == 1
    )  # a MIDI file knows powers of two only
    score.tempos.extend(
        Tempo(starts[bar], qpm=round(tempo, 2)) for bar, tempo in tempo_map(entries, meters)
    )
    score.tracks.extend(_track(track, meters, starts) for track in piece.tracks)
    path.write_bytes(score.dumps_midi())
    return piece.playhead


def tempo_map(entries: Iterable[Entry], meters: Sequence[Meter]) -> list[tuple[int, float]]:
    """(bar, quarter notes a minute) wherever the tempo changes, from when the bars ended."""
    ended: dict[int, float] = {}
    for entry in entries:
        if entry.message.address == _BAR_END and not entry.outward:
            ended.setdefault(int(entry.message.arguments[0]), entry.at)
    tempos = {
        bar: 60.0 * meters[bar].quarters / (ended[bar] - ended[bar - 1])
        for bar in ended
        if bar - 1 in ended and ended[bar] > ended[bar - 1]
    }
    changes: list[tuple[int, float]] = []
    for bar in sorted(tempos):
        near = range(bar - _NEIGHBOURS, bar + _NEIGHBOURS + 1)
        tempo = median(tempos[other] for other in near if other in tempos)
        if not changes:
            changes.append((0, tempo))
        elif abs(tempo / changes[-1][1] - 1.0) > TEMPO_TOLERANCE:
            changes.append((bar, tempo))
    return changes or [(0, DEFAULT_TEMPO)]


def _grid(piece: Piece) -> tuple[list[Meter], list[int]]:
    """Meters of all bars with notes or an end, and the ticks at which they begin."""
    last = max(
        (bar for track in piece.tracks for bar, notes in track.bars.items() if notes), default=0
    )
    meters = [piece.meter(bar) for bar in range(max(piece.playhead, last + 1))]
    starts = [0]
    for meter in meters:
        starts.append(starts[-1] + meter.ticks(TICKS_PER_QUARTER))
    return meters, starts


def _track(track: SessionTrack, meters: Sequence[Meter], starts: Sequence[int]) -> Track:
    who = "agent" if track.is_agent else "human"
    sound = "drums" if track.is_drum else program_name(track.instrument)
    written = Track(f"{who} {track.id}: {sound}", track.instrument, track.is_drum)
    for bar, notes in sorted(track.bars.items()):
        length = meters[bar].ticks(TICKS_PER_QUARTER) if notes else 0
        written.notes.extend(
            Note(
                starts[bar] + to_ticks(note.onset, length),
                max(1, to_ticks(note.duration, length)),
                note.pitch,
                note.velocity,
            )
            for note in notes
        )
    return written
