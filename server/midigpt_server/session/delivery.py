"""How a generated bar reaches the client: open, notes, close, features; whole or note by note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midigpt_server.session.piece import Track
from midigpt_server.session.player import PlayedNote
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote

MAX_ONSET = 0.9999
MIN_DURATION = 0.0001
#: a note so many seconds after its time is left out: no late burst
LATE_SECONDS = 0.1


@dataclass
class _OpenBar:
    bar: int
    told_count: int  # -1: not known at open
    notes: list[BarNote] = field(default_factory=list)
    dropped: int = 0


class Delivery:
    """One bar at a time per track. ``values`` are the parameters of the bar's generation."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open: dict[int, _OpenBar] = {}  # by track id
        self._unscheduled: list[tuple[Track, int, BarNote]] = []  # notes whose time is not known

    def whole_bar(
        self, track: Track, bar: int, notes: Sequence[BarNote], values: Mapping[str, Any]
    ) -> None:
        """Send a complete bar."""
        in_time = self._in_time(bar, notes, values)
        self.open(track, bar, len(in_time))
        self._open[track.id].dropped = len(notes) - len(in_time)
        self._send(track, in_time, values)
        self.close(track, values)

    def open(self, track: Track, bar: int, count: int = -1) -> None:
        """Begin a bar; what was open before in this track is void if it is the same bar."""
        stage, before = self._stage, self._open.get(track.id)
        song_bar = stage.timeline.song_bar(bar)
        if before is None or before.bar != bar:
            revision = track.revisions[bar] = track.revisions.get(bar, 0) + 1
            if revision > 1:
                stage.say("generated/revision", track.id, song_bar, revision)
        self._open[track.id] = _OpenBar(bar, count)
        stage.say("generated/open", track.id, song_bar, count)

    def notes(self, track: Track, notes: Sequence[BarNote], values: Mapping[str, Any]) -> None:
        """Send some notes of the open bar; those whose time has passed are left out."""
        open_bar = self._open[track.id]
        in_time = self._in_time(open_bar.bar, notes, values)
        open_bar.dropped += len(notes) - len(in_time)
        self._send(track, in_time, values)

    def close(self, track: Track, values: Mapping[str, Any]) -> None:
        """End the open bar."""
        stage, done = self._stage, self._open.pop(track.id)
        song_bar = stage.timeline.song_bar(done.bar)
        if done.told_count < 0:
            stage.say("generated/count", track.id, song_bar, len(done.notes))
        stage.say("generated/close", track.id, song_bar)
        if done.notes:
            meter = stage.meter(done.bar)
            ticks = meter.ticks(stage.info.decode_resolution)
            figures = bar_features(done.notes, meter.numerator, ticks)
            stage.say("generated/features", track.id, song_bar, *figures)
        due = stage.time_of(done.bar)
        if done.dropped or (done.told_count >= 0 and due is not None and stage.now > due):
            late = 0.0 if due is None else max(0.0, stage.now - due)
            stage.say("bar/late", track.id, song_bar, late, done.dropped)

    def bar_began(self, bar: int) -> None:
        """The tempo may be known now: schedule what waits for it, and forget what is over."""
        waiting, self._unscheduled = self._unscheduled, []
        self._unscheduled = [
            entry for entry in waiting if entry[1] >= bar and not self._schedule(*entry)
        ]

    def flush(self, track: Track | None = None, from_bar: int = 0) -> None:
        """What is scheduled will not sound, what sounds ends; players are told to do the same."""
        stage = self._stage
        stage.replies += stage.player.flush(stage.now, track.id if track else None, from_bar)
        self._unscheduled = [
            entry
            for entry in self._unscheduled
            if (track is not None and entry[0] is not track) or entry[1] < from_bar
        ]
        song_bar = stage.timeline.song_bar(from_bar) if from_bar else -1
        stage.say("generated/flush", track.id if track else -1, song_bar)

    def open_bar(self, track: Track) -> int | None:
        """The bar that is open in a track."""
        open_bar = self._open.get(track.id)
        return open_bar.bar if open_bar else None

    def drop(self, track: Track) -> None:
        """Forget an open bar, which will be opened anew or never closed."""
        self._open.pop(track.id, None)

    def _send(self, track: Track, notes: Sequence[BarNote], values: Mapping[str, Any]) -> None:
        stage, open_bar = self._stage, self._open[track.id]
        bar, song_bar = open_bar.bar, stage.timeline.song_bar(open_bar.bar)
        longest = float("inf") if values["long_notes"] else 1.0
        for note in notes:
            onset = min(max(note.onset, 0.0), MAX_ONSET)
            duration = min(max(note.duration, MIN_DURATION), longest)
            begin = stage.time_of(bar, onset)
            stage.say(
                *("generated/note", track.id, song_bar, note.pitch, note.velocity),
                *(onset, duration),
                time=begin if values["timetags"] else None,
            )
            if values["note_offs"] and not self._schedule(track, bar, note):
                self._unscheduled.append((track, bar, note))
        open_bar.notes += notes

    def _schedule(self, track: Track, bar: int, note: BarNote) -> bool:
        """Let the player play a note; False when nobody knows yet when."""
        stage = self._stage
        line, next_line = stage.time_of(bar), stage.time_of(bar + 1)
        if line is None or next_line is None:
            return False
        begin = line + note.onset * (next_line - line)
        end = begin + note.duration * (next_line - line)
        song_bar = stage.timeline.song_bar(bar)
        stage.player.add(PlayedNote(track.id, bar, song_bar, note.pitch, note.velocity, begin, end))
        return True

    def _in_time(
        self, bar: int, notes: Sequence[BarNote], values: Mapping[str, Any]
    ) -> list[BarNote]:
        """Clients of MIDI-GPT 0.4.2, which have no fallback, get everything."""
        stage = self._stage
        if values["fallback"] == "none" and not values["streaming"]:
            return list(notes)
        kept = []
        for note in notes:
            time = stage.time_of(bar, note.onset)
            if time is None or stage.now - time <= LATE_SECONDS:
                kept.append(note)
        return kept


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
