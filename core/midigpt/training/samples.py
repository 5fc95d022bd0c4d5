"""Training sequences shaped like the prompts of each kind of request, the live one first.

A *live* sample is what the model reads when it answers a player bar by bar, followed by what a
musician really played there. The player has completed ``playhead`` bars of a session; the agent
writes bar ``target = playhead + ahead`` before the player gets there. So the prompt is a window of
``window`` bars in which the player's tracks come first, their bars from the playhead on hidden, and
the agent's track comes last, up to the target. What is hidden is taken out of the score before
anything is computed from it: it can reach neither the ids nor the attributes.

The other kinds are continuation of whole tracks left to right (*ar*) and fill-ins (*infill*).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from midigpt._native import EncodeOptions, token_type_from_name
from midigpt.attributes import AttributeAnalyzer
from midigpt.encoder_config import EncoderConfig
from midigpt.score import Bar, Score, Track
from midigpt.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary
from midigpt.training.corpus import Piece, PieceTrack, bars_from_piece
from midigpt.training.variation import vary

KINDS = ("live", "ar", "infill")

Choice = TypeVar("Choice")

_AHEAD = {1: 0.85, 2: 0.1, 3: 0.05}  # bars between playhead and target (lookahead)
_COUNT = {1: 0.85, 2: 0.1, 4: 0.05}  # bars wanted at once
_BUFFER = {4: 0.7, 2: 0.08, 3: 0.06, 6: 0.06, 0: 0.1}  # 0: the agent plays from the start
_TRACKS = {2: 0.35, 3: 0.25, 4: 0.2, 5: 0.12, 6: 0.04, 7: 0.02, 8: 0.02}
_DRUMS_AS_AGENT = 2.0  # how much likelier than another track
_WARM_UP = 0.3  # share of live samples whose window is not full yet
_LONGEST_SESSION = 32  # bars of a session after its window is full, at most
_HIDE_SILENCE = 0.2  # share of live samples that hide the silence before the agent's entry
_FORESEE = 0.35  # share of live samples whose agent attributes describe the answer too
_HIDE_CONTEXT = 0.15  # share of ar and infill samples with some hidden bars


@dataclass(frozen=True)
class Sample:
    """Token ids; ``target`` is the index of the first one that the model has to write."""

    ids: list[int]
    target: int
    kind: str


@dataclass(frozen=True)
class Situation:
    """A moment of a live session; bars are counted from its start.

    Attributes:
        window: bars that the model sees.
        playhead: bars that the player has completed.
        target: first bar to write, after the playhead.
        count: bars wanted.
        entry: first bar in which the agent may have played; silent, or hidden, before it.
        hide_silence: hide the agent's bars before its entry rather than show them as silence.
    """

    window: int
    playhead: int
    target: int
    count: int = 1
    entry: int = 0
    hide_silence: bool = False

    @property
    def end(self) -> int:
        """The bar after the window."""
        return max(self.target + self.count, self.window)

    @property
    def start(self) -> int:
        """The first bar of the window."""
        return self.end - self.window


class Sampler:
    """Makes samples with one encoder configuration.

    Args:
        encoder_config: the configuration.
        kinds: share of each of :data:`KINDS`.
        windows: share of each window length in bars, out of the configuration's ``num_bars_map``.
    """

    def __init__(
        self,
        encoder_config: EncoderConfig,
        kinds: Mapping[str, float],
        windows: Mapping[int, float],
    ) -> None:
        self._analyzer = AttributeAnalyzer.from_config(encoder_config)
        self._tokenizer = Tokenizer(encoder_config, self._analyzer)
        vocabulary = Vocabulary(encoder_config)
        self._bar = vocabulary.encode_val(token_type_from_name("Bar"), 0)
        self._fill_start = vocabulary.encode_val(token_type_from_name("FillInStart"), 0)
        self._tracks = range(*vocabulary.range(token_type_from_name("Track")))
        self._resolution = encoder_config.resolution
        self._signatures = frozenset(encoder_config.time_signatures)
        self._kinds, self._windows = kinds, windows

    def draw(self, piece: Piece, rng: Random) -> Sample | None:
        """A sample of random kind from a random place; None if the piece has no such place."""
        draw = {"live": self._draw_live, "ar": self._draw_ar, "infill": self._draw_infill}
        return draw[_choose(self._kinds, rng)](piece, rng)

    def live_sample(self, session: Score, situation: Situation, foresee: bool = False) -> Sample:
        """The live sample of a session whose last track is the agent's.

        Args:
            session: a score on the model grid with ``situation.end`` bars that says what everybody
                plays; it is changed. The players' bars from the playhead on, and the agent's before
                its entry, are not looked at.
            situation: the moment.
            foresee: take the agent's attributes from its bars to come as well, as if a user who
                wants just these had set them; otherwise from its past alone.
        """
        *players, agent = session.tracks
        for track in players:
            track.bars[situation.playhead :] = map(_hidden, track.bars[situation.playhead :])
        silence = _hidden if situation.hide_silence else _silent
        agent.bars[: situation.entry] = map(silence, agent.bars[: situation.entry])

        answer = agent.bars[situation.target :]
        if not foresee:
            agent.bars[situation.target :] = map(_silent, answer)
        for index, track in enumerate(session.tracks):
            track.attributes = self._analyzer.compute_track_tokens(session, index)
        agent.bars[situation.target :] = answer

        for track in session.tracks:
            track.bars = track.bars[situation.start : situation.end]
        ids = self._encode(session, compute_attributes=False)
        return Sample(ids, self._bar_index(ids, situation.target - situation.start), "live")

    def _draw_live(self, piece: Piece, rng: Random) -> Sample | None:
        situation = draw_situation(piece.n_bars, self._windows, rng)
        if situation is None:
            return None
        first = rng.randint(0, piece.n_bars - situation.end)
        seen = (first + situation.start, first + situation.playhead)
        answer = (first + situation.target, first + situation.target + 1)
        # An answer always has notes: the grammar of a session does not allow empty ones.
        agents = [track for track in piece.tracks if track.has_notes(*answer)]
        if not agents:
            return None
        weights = [_DRUMS_AS_AGENT if track.is_drum else 1.0 for track in agents]
        agent = rng.choices(agents, weights)[0]
        players = [track for track in piece.tracks if track is not agent and track.has_notes(*seen)]
        if not players:
            return None
        rng.shuffle(players)
        players = players[: _choose(_TRACKS, rng) - 1]
        session = self._cut(piece, [*players, agent], first, first + situation.end)
        if session is None:
            return None
        vary(session, rng)
        return self.live_sample(session, situation, foresee=rng.random() < _FORESEE)

    def _draw_ar(self, piece: Piece, rng: Random) -> Sample | None:
        """Whole tracks, one after the other."""
        score = self._draw_window(piece, rng)
        if score is None:
            return None
        if rng.random() < _HIDE_CONTEXT:
            last = len(score.tracks) - 1
            _hide(score, {cell for cell in _draw_cells(score, rng, 0.5) if cell[0] != last})
        ids = self._encode(score)
        return Sample(ids, self._bar_index(ids, 0), "ar")

    def _draw_infill(self, piece: Piece, rng: Random) -> Sample | None:
        """Some bars of some tracks, left out and written at the end."""
        score = self._draw_window(piece, rng)
        if score is None:
            return None
        cells = _draw_cells(score, rng, 0.5)
        fills = {(track, bar) for track, bar in cells if score.tracks[track].bars[bar].notes}
        if not fills:
            return None
        if rng.random() < _HIDE_CONTEXT:
            _hide(score, _draw_cells(score, rng, 0.25) - fills)
        ids = self._encode(score, fills)
        return Sample(ids, ids.index(self._fill_start) + 1, "infill")

    def _draw_window(self, piece: Piece, rng: Random) -> Score | None:
        window = _choose(self._windows, rng)
        if piece.n_bars < window:
            return None
        first = rng.randint(0, piece.n_bars - window)
        tracks = [track for track in piece.tracks if track.has_notes(first, first + window)]
        rng.shuffle(tracks)
        tracks = tracks[: _choose({1: 0.1, **_TRACKS}, rng)]
        score = self._cut(piece, tracks, first, first + window) if tracks else None
        if score is not None:
            vary(score, rng)
        return score

    def _cut(
        self, piece: Piece, tracks: Sequence[PieceTrack], start: int, stop: int
    ) -> Score | None:
        """Some bars of some tracks; None if a time signature is not in the vocabulary."""
        if not self._signatures.issuperset(map(tuple, piece.signatures[start:stop].tolist())):
            return None
        score = Score(resolution=self._resolution)
        for track in tracks:
            kind = "drum" if track.is_drum else "melodic"
            score.tracks.append(
                Track(bars_from_piece(piece, track, start, stop), track.program, kind)
            )
        return score

    def _encode(
        self,
        score: Score,
        fills: set[tuple[int, int]] | None = None,
        compute_attributes: bool = True,
    ) -> list[int]:
        options = EncodeOptions()
        options.window_bars = len(score.tracks[0].bars)
        options.multi_fill = fills or set()
        return self._tokenizer.encode(score, options, compute_attributes)

    def _bar_index(self, ids: Sequence[int], bar: int) -> int:
        """Index of the Bar token of bar ``bar`` of the last track."""
        track = max(i for i, token in enumerate(ids) if token in self._tracks)
        return [i for i in range(track, len(ids)) if ids[i] == self._bar][bar]


def draw_situation(n_bars: int, windows: Mapping[int, float], rng: Random) -> Situation | None:
    """A moment of a session that a piece of ``n_bars`` bars has room for, or None."""
    window, ahead, count = _choose(windows, rng), _choose(_AHEAD, rng), _choose(_COUNT, rng)
    full = window - count  # the first target with which the window holds no bar beyond the answer
    if ahead >= full or n_bars < window:
        return None
    if rng.random() < _WARM_UP:
        target = rng.randint(ahead + 1, full)
    else:
        target = rng.randint(full, min(n_bars - count, full + _LONGEST_SESSION))
    buffer = _choose(_BUFFER, rng)
    entry = min(max(buffer, ahead + 1), target) if buffer else 0
    return Situation(
        window, target - ahead, target, count, entry, hide_silence=rng.random() < _HIDE_SILENCE
    )


def _draw_cells(score: Score, rng: Random, largest_share: float) -> set[tuple[int, int]]:
    """Cells (track, bar): bars of one track in a row, or single cells anywhere; at least one."""
    n_tracks, n_bars = len(score.tracks), len(score.tracks[0].bars)
    if rng.random() < 0.5:
        track, length = rng.randrange(n_tracks), rng.randint(1, n_bars // 2)
        first = rng.randint(0, n_bars - length)
        return {(track, bar) for bar in range(first, first + length)}
    cells = [(track, bar) for track in range(n_tracks) for bar in range(n_bars)]
    return set(rng.sample(cells, max(1, int(len(cells) * rng.uniform(0, largest_share)))))


def _hide(score: Score, cells: set[tuple[int, int]]) -> None:
    for track, bar in cells:
        score.tracks[track].bars[bar] = _hidden(score.tracks[track].bars[bar])


def _hidden(bar: Bar) -> Bar:
    return Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length, future=True)


def _silent(bar: Bar) -> Bar:
    return Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length)


def _choose(weights: Mapping[Choice, float], rng: Random) -> Choice:
    return rng.choices(list(weights), list(weights.values()))[0]
