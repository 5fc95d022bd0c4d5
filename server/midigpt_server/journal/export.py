"""A take as a Standard MIDI File: every track, the meters, and the tempo it was played at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import harmonic_mean, median

from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from midigpt.general_midi import program_name
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.journal.replay import steps
from midigpt_server.journal.store import Entry
from midigpt_server.protocol.table.arguments import MAX_BAR
from midigpt_server.session.piece import Piece, Track
from midigpt_server.session.session import Session
from midigpt_server.timing.bars import Meter, to_ticks

TICKS_PER_QUARTER = 480
DEFAULT_TEMPO = 120.0  # quarter notes a minute, where the take does not tell
#: A bar line this much off the tempo so far, as a share of the bar, is a change of tempo; less is
#: how punctual clients are.
TEMPO_TOLERANCE = 0.03
_NEIGHBOURS = 1  # bars on either side that a bar's tempo is judged with

_BAR_END, _TEMPO = "/midigpt/bar/end", "/midigpt/tempo"


def write_midi(entries: Iterable[Entry], path: Path) -> int:
    """Write a take, its bars in the order in which they sounded; returns their number.

    Raises:
        ValueError: no bar of it has ended.
        OSError: the file cannot be written.
    """
    session = Session(ModelInfo(), kept_bars=MAX_BAR)
    ended: dict[int, float] = {}
    told: dict[int, float] = {}
    tracks: dict[int, Track] = {}  # also those removed before the end
    for entry in steps(entries, session):
        piece = session.piece
        tracks |= {track.id: track for track in piece.tracks}
        if entry.message.address == _BAR_END:
            ended.setdefault(piece.playhead - 1, entry.at)
        elif entry.message.address == _TEMPO:
            told[piece.playhead] = float(entry.message.arguments[0])
    if not session.piece.playhead:
        raise ValueError("no bar of this session has ended: there is nothing to export")
    meters, starts = _grid(session.piece, tracks.values())
    score = ScoreTick(TICKS_PER_QUARTER)
    for bar, meter in enumerate(meters):
        is_new = bar == 0 or meter != meters[bar - 1]
        if is_new and meter.denominator.bit_count() == 1:  # a MIDI file knows powers of two only
            signature = TimeSignatureTick(starts[bar], meter.numerator, meter.denominator)
            score.time_signatures.append(signature)
    for bar, tempo in sorted(told.items()) if told else estimated_tempos(ended, meters):
        score.tempos.append(TempoTick(starts[bar], qpm=round(tempo, 2)))
    for track in tracks.values():
        score.tracks.append(_written(track, meters, starts))
    path.write_bytes(bytes(score.dumps_midi()))
    return session.piece.playhead


def estimated_tempos(
    ended: Mapping[int, float], meters: Sequence[Meter]
) -> list[tuple[int, float]]:
    """(bar, quarter notes a minute) wherever the tempo changes, from the times at which bars ended
    (``ended``, in seconds)."""
    measured = {
        bar: 60.0 * meters[bar].quarters / (ended[bar] - ended[bar - 1])
        for bar in sorted(ended)
        if bar - 1 in ended and ended[bar] > ended[bar - 1]
    }
    stretches: list[list[float]] = []  # of bars at one tempo
    begins: list[int] = []
    tempo = 0.0
    for bar in measured:
        near = range(bar - _NEIGHBOURS, bar + _NEIGHBOURS + 1)
        here = median(measured[other] for other in near if other in measured)
        if not stretches or abs(here / tempo - 1.0) > TEMPO_TOLERANCE:
            begins.append(bar if begins else 0)
            stretches.append([])
            tempo = here
        stretches[-1].append(measured[bar])
    return list(zip(begins, map(harmonic_mean, stretches), strict=True)) or [(0, DEFAULT_TEMPO)]


def _grid(piece: Piece, tracks: Iterable[Track]) -> tuple[list[Meter], list[int]]:
    """Meters of all bars with notes or an end, and the ticks at which they begin."""
    with_notes = [bar for track in tracks for bar, notes in track.bars.items() if notes]
    last = max([piece.playhead - 1, *with_notes])
    meters = [piece.meters[min(bar, piece.playhead - 1)] for bar in range(last + 1)]
    starts = [0]
    for meter in meters:
        starts.append(starts[-1] + meter.ticks(TICKS_PER_QUARTER))
    return meters, starts


def _written(track: Track, meters: Sequence[Meter], starts: Sequence[int]) -> TrackTick:
    who = "agent" if track.is_agent else "human"
    sound = "drums" if track.is_drum else program_name(track.instrument)
    written = TrackTick(f"{who} {track.id}: {sound}", track.instrument, track.is_drum)
    for bar, notes in sorted(track.bars.items()):
        for note in notes:
            length = meters[bar].ticks(TICKS_PER_QUARTER)
            onset = starts[bar] + to_ticks(note.onset, length)
            duration = max(1, to_ticks(note.duration, length))
            written.notes.append(NoteTick(onset, duration, note.pitch, note.velocity))
    return written
