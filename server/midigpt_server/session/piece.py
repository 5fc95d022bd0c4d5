"""The music of one session: tracks, their notes by bar, and the meters of the ended bars."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.session.takes import Takes
from midigpt_server.timing.bars import BarNote, Meter

MAX_TRACKS = 64
MAX_NOTES_PER_BAR = 1024  # of one track
_SAME_ONSET = 1e-3  # of a bar: onsets are rounded on their way
KEPT_BARS = 64  # before the playhead; more than any window


@dataclass
class Track:
    """One track; ``bars`` holds notes by absolute bar index, ended or not.

    Of an agent: its own ``parameters`` and ``attributes``; for each bar that was sent, how often
    (``revisions``) and what was written for it (``takes``).
    """

    id: int
    instrument: int
    is_drum: bool
    is_agent: bool
    ignored: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    bars: dict[int, list[BarNote]] = field(default_factory=lambda: defaultdict(list))
    revisions: dict[int, int] = field(default_factory=dict)
    takes: dict[int, Takes] = field(default_factory=dict)

    @property
    def muted(self) -> bool:
        """Whether the agent rests."""
        return bool(self.parameters.get("mute", False))


class Piece:
    """Tracks in creation order, agents among them, and how far the music has come.

    Notes are kept whenever they come and count as soon as their bar has ended.
    """

    def __init__(self, kept_bars: int = KEPT_BARS) -> None:
        self._kept_bars = kept_bars
        self.tracks: list[Track] = []
        self.meters: dict[int, Meter] = {}  # of the last ended bars
        self.playhead = 0  # the number of completed bars

    @property
    def agents(self) -> list[Track]:
        """The tracks that the model writes."""
        return [track for track in self.tracks if track.is_agent]

    @property
    def agent(self) -> Track | None:
        """The first of them; clients of MIDI-GPT 0.4.2 have one."""
        return next(iter(self.agents), None)

    def agent_with_id(self, track_id: int) -> Track:
        """The agent with this id, -1 for the first one; raises ProtocolError 2."""
        for agent in self.agents:
            if track_id in (-1, agent.id):
                return agent
        raise ProtocolError(Code.UNKNOWN_TRACK, f"track_id {track_id} is no agent")

    def track(self, track_id: int) -> Track:
        """The track with this id; raises ProtocolError 2."""
        for track in self.tracks:
            if track.id == track_id:
                return track
        raise ProtocolError(Code.UNKNOWN_TRACK, f"unknown track_id {track_id}")

    def add_track(self, track: Track, beside_others: bool = False) -> None:
        """Add a track at the end of the creation order; raises ProtocolError 3, 7 or 4.

        A second agent is an error 7 unless it is to play ``beside_others``.
        """
        if any(other.id == track.id for other in self.tracks):
            raise ProtocolError(Code.TRACK_EXISTS, f"track_id {track.id} is already used")
        if track.is_agent and self.agent is not None and not beside_others:
            raise ProtocolError(
                Code.SECOND_AGENT,
                f"track {self.agent.id} is the agent already; more come with agent/create",
            )
        if len(self.tracks) >= MAX_TRACKS:
            raise ProtocolError(Code.BAD_ARGUMENT, f"a session has at most {MAX_TRACKS} tracks")
        self.tracks.append(track)

    def remove_track(self, track_id: int) -> None:
        """Remove a conditioning track; raises ProtocolError 2 or 1."""
        track = self.track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.WRONG_STATE, f"track {track_id} is the agent: not removable")
        self.tracks.remove(track)

    def add_note(self, track_id: int, bar: int, note: BarNote) -> None:
        """Add a note of a conditioning track to a bar; raises ProtocolError 2, 8 or 4.

        A negative duration is that of a note held over the bar line and sent with the next bar's
        index: it began one bar earlier. An onset of 1.0 is the next bar line. A note of the same
        pitch and onset as one that is there replaces it: so a key that is still down at the bar
        line can be told twice, as far as it has come, and when it is released.
        """
        track = self._conditioning(track_id)
        onset, duration = note.onset, note.duration
        if duration < 0 and bar > 0:
            bar, duration = bar - 1, duration + 1.0
        if onset >= 1.0:
            bar, onset = bar + 1, 0.0
        notes = [n for n in track.bars[bar] if (n.pitch, n.onset) != (note.pitch, onset)]
        if len(notes) >= MAX_NOTES_PER_BAR:
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"bar {bar} of track {track_id} is full: {MAX_NOTES_PER_BAR} notes",
            )
        track.bars[bar] = [*notes, BarNote(note.pitch, note.velocity, onset, max(0.0, duration))]

    def remove_note(self, track_id: int, bar: int, pitch: int, onset: float) -> None:
        """Take a note out of a conditioning track; raises ProtocolError 2, 8 or 4 (not there)."""
        track = self._conditioning(track_id)
        notes = track.bars.get(bar, [])
        others = [n for n in notes if n.pitch != pitch or abs(n.onset - onset) > _SAME_ONSET]
        if len(others) == len(notes):
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"pitch = {pitch}, onset = {onset:g}: track {track_id} has no such note in the bar",
            )
        track.bars[bar] = others

    def _conditioning(self, track_id: int) -> Track:
        track = self.track(track_id)
        if track.is_agent:
            raise ProtocolError(Code.NOTE_FOR_AGENT, f"track {track_id} is the agent: note dropped")
        return track

    def end_bar(self, bar: int, meter: Meter) -> range:
        """Close a bar and those before it; returns the bars that were skipped."""
        if bar < self.playhead:
            self.meters[bar] = meter
            return range(0)
        skipped = range(self.playhead, bar)
        for ended in range(max(self.playhead, bar - self._kept_bars), bar + 1):
            self.meters[ended] = meter
        self.playhead = bar + 1
        return skipped

    def forget_old_bars(self) -> None:
        """Drop what no window can show any more."""
        before = self.playhead - self._kept_bars
        kept: list[dict[int, Any]] = [self.meters]
        for track in self.tracks:
            kept += [track.bars, track.revisions, track.takes]
        for bars in kept:
            for old in [bar for bar in bars if bar < before]:
                del bars[old]
