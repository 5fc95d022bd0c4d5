"""Play a score at a server, bar by bar in real time, and collect the agent's bars."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from midigpt.score import Bar, Note, Score, Track
from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message

_MELODIC, _DRUM = 10, 11


@dataclass
class Answer:
    """One bar of the agent: its notes as (pitch, velocity, onset, duration), in bars."""

    notes: list[tuple[int, int, float, float]] = field(default_factory=list)
    #: Seconds between the bar's arrival and its bar line; negative when it came too late.
    early: float | None = None


class Jam:
    """A performance: ``score`` without track ``agent`` is played, the agent's track is answered.

    Bars are sent as a musician's patch does: each note when it is released, at the latest at the
    bar line, then the end of the bar. Time is that of the score's tempo. ``parameters`` are set by
    ``/midigpt/param/set`` before the start.
    """

    def __init__(
        self, client: Client, score: Score, agent: int, parameters: Mapping[str, int | float]
    ) -> None:
        self.client, self.score, self.agent = client, score, agent
        self.answers: dict[int, Answer] = {}
        self.fallbacks: set[int] = set()  # bars that were not ready and were filled by the server
        self._bars = score.tracks[agent].bars
        self._starts = _bar_starts(score)
        self._parameters = parameters
        self._began = 0.0

    def play(self, on_bar: Callable[[int], None] = lambda bar: None) -> Score:
        """Play to the end; ``on_bar`` is called at each bar line with the bar that begins.

        Returns:
            The take: the played tracks, and the agent's track with what it answered.

        Raises:
            TimeoutError: the server does not reply.
            RuntimeError: the server refuses the session.
        """
        self._open()
        self._began = time.monotonic()
        for index in range(len(self._bars)):
            on_bar(index)
            for moment, message in self._messages(index):
                self._listen(until=moment)
                self.client.send("/midigpt/note", *message)
            self._listen(until=self._starts[index + 1])
            bar = self._bars[index]
            self.client.send("/midigpt/bar/end", index, bar.ts_numerator, bar.ts_denominator)
        self.client.send("/midigpt/session/stop")
        return self._take()

    @property
    def first_answer(self) -> int:
        """Index of the first bar answered; the number of bars when there is none."""
        return min(self.answers, default=len(self._bars))

    def _open(self) -> None:
        send = self.client.send
        send("/midigpt/session/init", "demo")
        self.client.wait_for("/midigpt/session/ready")
        for index, track in enumerate(self.score.tracks):
            kind = _DRUM if track.track_type == "drum" else _MELODIC
            if index == self.agent:
                send("/midigpt/agent/create", index, track.instrument, kind, "repeat")
            else:
                send("/midigpt/track/create", index, track.instrument, kind, 0)
        for name, value in self._parameters.items():
            send("/midigpt/param/set", name, value)
        send("/midigpt/tempo", 60e6 / self.score.tempo)
        send("/midigpt/session/start")
        replies = self.client.receive_until(
            lambda r: r.address in ("/midigpt/session/started", "/midigpt/error")
        )
        if replies[-1].address == "/midigpt/error":
            raise RuntimeError(f"the server refuses: {replies[-1].arguments[1]}")

    def _messages(self, index: int) -> list[tuple[float, tuple[int | float, ...]]]:
        """(seconds, arguments of /midigpt/note) of one bar's played notes, by time."""
        start, end = self._starts[index], self._starts[index + 1]
        messages = []
        for track_id, track in enumerate(self.score.tracks):
            if track_id == self.agent:
                continue
            bar = track.bars[index]
            ticks = _bar_ticks(bar, self.score.resolution)
            for note in bar.notes:
                onset, duration = note.onset_ticks / ticks, note.duration_ticks / ticks
                released = start + min(onset + duration, 1.0) * (end - start)
                arguments = (track_id, note.pitch, note.velocity, onset, duration, index)
                messages.append((released, arguments))
        return sorted(messages, key=lambda m: m[0])

    def _listen(self, until: float) -> None:
        """Take replies until ``until`` seconds after the start."""
        while (left := self._began + until - time.monotonic()) > 0:
            try:
                self._hear(self.client.receive(left))
            except TimeoutError:
                return

    def _hear(self, reply: Message) -> None:
        match reply.address:
            case "/midigpt/generated/open":
                self.answers[int(reply.arguments[1])] = Answer()
            case "/midigpt/generated/note":
                _, bar, pitch, velocity, onset, duration = reply.arguments
                self.answers[int(bar)].notes.append((pitch, velocity, onset, duration))
            case "/midigpt/generated/close":
                bar = int(reply.arguments[1])
                if bar < len(self._bars):
                    now = time.monotonic() - self._began
                    self.answers[bar].early = self._starts[bar] - now
            case "/midigpt/bar/fallback":
                self.fallbacks.add(int(reply.arguments[1]))
            case "/midigpt/error":
                raise RuntimeError(f"the server says: {reply.arguments[1]}")

    def _take(self) -> Score:
        tracks = list(self.score.tracks)
        played = tracks[self.agent]
        tracks[self.agent] = Track(
            [self._answered_bar(i, bar) for i, bar in enumerate(self._bars)],
            played.instrument,
            played.track_type,
        )
        return Score(tracks, self.score.resolution, self.score.tempo)

    def _answered_bar(self, index: int, like: Bar) -> Bar:
        ticks = _bar_ticks(like, self.score.resolution)
        notes = [
            Note(int(pitch), int(velocity), round(onset * ticks), max(1, round(duration * ticks)))
            for pitch, velocity, onset, duration in self.answers.get(index, Answer()).notes
        ]
        return Bar(notes, like.ts_numerator, like.ts_denominator, like.beat_length)


def _bar_ticks(bar: Bar, resolution: int) -> float:
    return resolution * 4 * bar.ts_numerator / bar.ts_denominator


def _bar_starts(score: Score) -> list[float]:
    """Seconds from the beginning to each bar line, the last one included."""
    starts = [0.0]
    for bar in score.tracks[0].bars:
        starts.append(starts[-1] + bar.beat_length * score.tempo / 1e6)
    return starts
