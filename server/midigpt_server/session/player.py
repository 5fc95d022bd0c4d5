"""Notes that the server itself begins and ends, each at its time (parameter ``note_offs``).

Everything scheduled is tagged with its track and bar, so panic, undo and regenerate are one flush;
what sounds is known, so no note is ever stuck.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import reply

#: seconds before their time at which dated messages leave; what has left cannot be taken back
AHEAD = 0.1
_SHORTEST = 1e-3


@dataclass(frozen=True)
class PlayedNote:
    """A note of an agent's bar; ``song_bar`` is the client's number of ``bar``."""

    track_id: int
    bar: int
    song_bar: int
    pitch: int
    velocity: int
    begin: float
    end: float


class Player:
    """A heap of note-ons and -offs, and the notes that sound."""

    def __init__(self) -> None:
        # time, rank (offs before ons), number, note
        self._events: list[tuple[float, int, int, PlayedNote]] = []
        self._sounding: dict[tuple[int, int], PlayedNote] = {}  # by track and pitch
        self._count = 0

    def add(self, note: PlayedNote) -> None:
        """Schedule a note."""
        self._count += 1
        heapq.heappush(self._events, (note.begin, 1, self._count, note))
        end = max(note.end, note.begin + _SHORTEST)
        heapq.heappush(self._events, (end, 0, self._count, note))

    def wakeup(self, dated: bool) -> float | None:
        """When :meth:`due` has something to say."""
        return self._events[0][0] - (AHEAD if dated else 0.0) if self._events else None

    def due(self, now: float, dated: bool) -> list[Message]:
        """What is to be sent now, in order; ``dated`` messages carry their time and leave early."""
        messages: list[Message] = []
        horizon = now + (AHEAD if dated else 0.0)
        while self._events and self._events[0][0] <= horizon:
            time, begins, _, note = heapq.heappop(self._events)
            said = self._begin(note) if begins else self._end(note)
            messages += [m._replace(time=time) for m in said] if dated else said
        return messages

    def flush(self, now: float, track_id: int | None = None, from_bar: int = 0) -> list[Message]:
        """Drop what is scheduled (of one track, from one bar on) and end those notes that sound."""

        def hit(note: PlayedNote) -> bool:
            return track_id in (None, note.track_id) and note.bar >= from_bar

        self._events = [event for event in self._events if not hit(event[3])]
        heapq.heapify(self._events)
        ended = [note for note in self._sounding.values() if hit(note)]
        for note in ended:
            del self._sounding[note.track_id, note.pitch]
        # a dated note may have left before its time: its end must not overtake it
        return [
            _off(note)._replace(time=note.begin + _SHORTEST if note.begin > now else None)
            for note in ended
        ]

    def _begin(self, note: PlayedNote) -> list[Message]:
        key = (note.track_id, note.pitch)
        before = self._sounding.get(key)
        self._sounding[key] = note
        on = reply("play/on", note.track_id, note.song_bar, note.pitch, note.velocity)
        return [on] if before is None else [_off(before), on]

    def _end(self, note: PlayedNote) -> list[Message]:
        if self._sounding.get((note.track_id, note.pitch)) is not note:  # begun again meanwhile
            return []
        del self._sounding[note.track_id, note.pitch]
        return [_off(note)]


def _off(note: PlayedNote) -> Message:
    return reply("play/off", note.track_id, note.song_bar, note.pitch)
