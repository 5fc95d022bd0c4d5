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

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeAlias

import numpy as np

from midigpt._native import EncodeOptions, token_type_from_name
from midigpt.attributes import AttributeAnalyzer
from midigpt.augmentation import MaskBar, MaskBarConfig
from midigpt.encoder_config import EncoderConfig
from midigpt.roles import role_of, role_of_track
from midigpt.score import Bar, Score, Track
from midigpt.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary
from midigpt.training.corpus import Piece, PieceTrack, bars_from_piece
from midigpt.training.situation import Situation, choose, draw_hearing, draw_situation
from midigpt.training.variation import vary

Spans: TypeAlias = tuple[tuple[int, int], ...]

KINDS = ("live", "ar", "infill")

_TRACKS = {
    **{1: 0.02, 2: 0.31, 3: 0.24, 4: 0.2, 5: 0.12, 6: 0.04},
    **{7: 0.02, 8: 0.02, 9: 0.01, 10: 0.01, 11: 0.005, 12: 0.005},
}
_ROLES = {"drums": 0.28, "bass": 0.24, "chords": 0.2, "melody": 0.2, "pads": 0.08}  # of the agent
_FORESEE = 0.35  # share of live samples whose agent attributes describe the answer too


@dataclass(frozen=True)
class Sample:
    """Token ids; ``target`` is the index of the first one that the model has to write.

    ``source`` names the collection that the piece is from, ``role`` the part of the track that is
    written (empty for infill, where these are several), ``hidden`` the ids, from first to end, that
    no other id may attend to.
    """

    ids: list[int]
    target: int
    kind: str
    source: str = ""
    role: str = ""
    hidden: Spans = ()


@dataclass(frozen=True)
class Shape:
    """Bounds of ar and infill samples, as in MIDI-GPT 0.4.2's configuration.

    Attributes:
        min_tracks, max_tracks: number of tracks, 1 or more.
        min_fill_ratio: share of the bars in which a track must play, 0..1.
        infill_bar_fraction: largest share of all bars that is left out to be filled in.
        masks: how often and how much is hidden of the rest.
        velocity_off, microtiming_off: share of the samples that are written without, 0..1; used
            where the encoder can switch them.
        genre: share of the samples of a piece of known genre that name it, 0..1.
    """

    min_tracks: int = 1
    max_tracks: int = 12
    min_fill_ratio: float = 0.0
    infill_bar_fraction: float = 0.5
    masks: MaskBarConfig = field(default_factory=lambda: MaskBarConfig(0.15))
    velocity_off: float = 0.0
    microtiming_off: float = 0.0
    genre: float = 1.0


class Sampler:
    """Makes samples with one encoder configuration.

    Args:
        encoder_config: the configuration.
        kinds: share of each of :data:`KINDS`.
        windows: share of each window length in bars, out of the configuration's ``num_bars_map``.
        shape: bounds of ar and infill samples.
        span_masks: hide bars by attention (see :attr:`Sample.hidden`) rather than by MaskBar
            tokens.

    Raises:
        ValueError: a kind of sample or a way of hiding that the encoder has no tokens for.
    """

    def __init__(
        self,
        encoder_config: EncoderConfig,
        kinds: Mapping[str, float],
        windows: Mapping[int, float],
        shape: Shape | None = None,
        span_masks: bool = False,
    ) -> None:
        if kinds.get("infill") and not encoder_config.supports_infill:
            raise ValueError(f"kinds has infill: {kinds['infill']}; the encoder has no fill-ins")
        if unknown := sorted(set(windows) - set(encoder_config.num_bars_map)):
            raise ValueError(
                f"windows has {unknown}; the encoder knows {list(encoder_config.num_bars_map)}"
            )
        if not span_masks and not encoder_config.supports_mask_bar_token:
            raise ValueError("span_masks is False; the encoder has no MaskBar token to hide bars")
        self._shape, self._span_masks = shape or Shape(), span_masks
        self._analyzer = AttributeAnalyzer.from_config(encoder_config)
        self._tokenizer = Tokenizer(encoder_config, self._analyzer)
        vocabulary = Vocabulary(encoder_config)
        self._bar = vocabulary.encode_val(token_type_from_name("Bar"), 0)
        if encoder_config.supports_infill:
            self._fill_start = vocabulary.encode_val(token_type_from_name("FillInStart"), 0)
        self._tracks = range(*vocabulary.range(token_type_from_name("Track")))
        self._config, self._resolution = encoder_config, encoder_config.resolution
        self._signatures = frozenset(encoder_config.time_signatures)
        self._kinds, self._windows = kinds, windows

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._tokenizer.vocab_size()

    def draw(self, piece: Piece, rng: Random) -> Sample | None:
        """A sample of random kind from a random place; None if the piece has no such place."""
        draw = {"live": self._draw_live, "ar": self._draw_ar, "infill": self._draw_infill}
        sample = draw[choose(self._kinds, rng)](piece, rng)
        return None if sample is None else replace(sample, source=piece.source)

    def live_sample(
        self,
        session: Score,
        situation: Situation,
        foresee: bool = False,
        options: EncodeOptions | None = None,
    ) -> Sample:
        """The live sample of a session whose last track is the agent's.

        Args:
            session: a score on the model grid with ``situation.end`` bars that says what everybody
                plays; it is changed. The players' bars from the playhead on, and the agent's before
                its entry, are not looked at.
            situation: the moment.
            foresee: take the agent's attributes from its bars to come as well, as if a user who
                wants just these had set them; otherwise from its past alone.
            options: switches and genre.
        """
        *players, agent = session.tracks
        role = role_of_track(agent)
        for index, track in enumerate(players):
            known = situation.known.get(index, situation.playhead)
            hidden = [_hidden(bar) for bar in track.bars[known:]]
            if situation.heard and known == situation.playhead < len(track.bars):
                hidden[0] = _begun(track.bars[known], situation.heard)
            track.bars[known:] = hidden
        silence = _hidden if situation.hide_silence else _silent
        agent.bars[: situation.entry] = map(silence, agent.bars[: situation.entry])

        for track in session.tracks:
            track.bars = track.bars[situation.start : situation.end]
        target = situation.target - situation.start
        answer = agent.bars[target:]
        if not foresee:
            agent.bars[target:] = map(_silent, answer)
        self._analyse(session)
        agent.bars[target:] = answer
        ids, hidden_ids = self._encode(session, options or EncodeOptions())
        return Sample(ids, self._bar_index(ids, target), "live", "", role, hidden_ids)

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
        agent = _draw_agent(agents, rng)
        players = [track for track in piece.tracks if track is not agent and track.has_notes(*seen)]
        rng.shuffle(players)
        players = players[: choose(_TRACKS, rng) - 1]
        session = self._cut(piece, [*players, agent], first, first + situation.end)
        if session is None:
            return None
        situation = draw_hearing(situation, session, rng)
        vary(session, rng)
        foresee = rng.random() < _FORESEE
        return self.live_sample(session, situation, foresee, self._draw_options(piece, rng))

    def _draw_ar(self, piece: Piece, rng: Random) -> Sample | None:
        """Whole tracks, one after the other."""
        score = self._draw_window(piece, rng)
        if score is None:
            return None
        last = len(score.tracks) - 1
        self._hide(score, {(last, bar) for bar in range(len(score.tracks[last].bars))}, rng)
        self._analyse(score)
        ids, hidden = self._encode(score, self._draw_options(piece, rng))
        role = role_of_track(score.tracks[-1])
        return Sample(ids, self._bar_index(ids, 0), "ar", "", role, hidden)

    def _draw_infill(self, piece: Piece, rng: Random) -> Sample | None:
        """Some bars of some tracks, left out and written at the end."""
        score = self._draw_window(piece, rng)
        if score is None:
            return None
        cells = _draw_cells(score, rng, self._shape.infill_bar_fraction)
        fills = {(track, bar) for track, bar in cells if score.tracks[track].bars[bar].notes}
        if not fills:
            return None
        self._hide(score, fills, rng)
        self._analyse(score)
        options = self._draw_options(piece, rng)
        options.multi_fill = fills
        ids, hidden = self._encode(score, options)
        return Sample(ids, ids.index(self._fill_start) + 1, "infill", "", "", hidden)

    def _draw_window(self, piece: Piece, rng: Random) -> Score | None:
        window = choose(self._windows, rng)
        if piece.n_bars < window:
            return None
        first = rng.randint(0, piece.n_bars - window)
        least = max(1, math.ceil(self._shape.min_fill_ratio * window))
        tracks = [t for t in piece.tracks if t.n_played(first, first + window) >= least]
        rng.shuffle(tracks)
        wanted = max(self._shape.min_tracks, choose({1: 0.1, **_TRACKS}, rng))
        tracks = tracks[: min(wanted, self._shape.max_tracks)]
        if len(tracks) < self._shape.min_tracks:
            return None
        score = self._cut(piece, tracks, first, first + window)
        if score is not None:
            vary(score, rng)
        return score

    def _hide(self, score: Score, kept: Collection[tuple[int, int]], rng: Random) -> None:
        """Hide bars, but not those kept; their notes go, so that nothing tells of them."""
        MaskBar(self._shape.masks, kept, rng)(score)
        for track in score.tracks:
            track.bars = [_hidden(bar) if bar.future else bar for bar in track.bars]

    def _analyse(self, score: Score) -> None:
        for index, track in enumerate(score.tracks):
            track.attributes = self._analyzer.compute_track_tokens(score, index)

    def _cut(
        self, piece: Piece, tracks: Sequence[PieceTrack], start: int, stop: int
    ) -> Score | None:
        """Some bars of some tracks; None if a time signature is not in the vocabulary."""
        if not self._signatures.issuperset(map(tuple, piece.signatures[start:stop].tolist())):
            return None
        score = Score(resolution=self._resolution)
        for track in tracks:
            kind = "drum" if track.is_drum else "melodic"
            cut = Track(bars_from_piece(piece, track, start, stop), track.program, kind)
            if track.metric_level >= 0:
                cut.attributes["_nomml_raw"] = track.metric_level
            score.tracks.append(cut)
        return score

    def _draw_options(self, piece: Piece, rng: Random) -> EncodeOptions:
        """What the sample says of itself: its genre, and what it is written without."""
        options, shape = EncodeOptions(), self._shape
        known = self._config.genre_grouping
        genres = [style for style in piece.styles if known and known.contains(style)]
        if known and genres and rng.random() < shape.genre:
            options.genre = known.encode(rng.choice(genres))
        if self._config.switchable_velocity and rng.random() < shape.velocity_off:
            options.use_velocity = 0
        if self._config.switchable_microtiming and rng.random() < shape.microtiming_off:
            options.use_microtiming = 0
        return options

    def _encode(self, score: Score, options: EncodeOptions) -> tuple[list[int], Spans]:
        options.window_bars = len(score.tracks[0].bars)
        options.use_span_masks = self._span_masks
        flat = self._tokenizer.to_grid(score)
        result = self._tokenizer.encoder.encode_full(flat, options)
        return result.tokens, tuple(result.hidden_spans)

    def _bar_index(self, ids: Sequence[int], bar: int) -> int:
        """Index of the Bar token of bar ``bar`` of the last track."""
        track = max(i for i, token in enumerate(ids) if token in self._tracks)
        return [i for i in range(track, len(ids)) if ids[i] == self._bar][bar]


def _draw_agent(tracks: Sequence[PieceTrack], rng: Random) -> PieceTrack:
    """One of the tracks, so that every role gets its share."""
    by_role: dict[str, list[PieceTrack]] = defaultdict(list)
    for track in tracks:
        pitches = track.notes[:, 3].tolist()
        onsets = len(np.unique(track.notes[:, :2], axis=0))
        by_role[role_of(track.program, track.is_drum, pitches, onsets)].append(track)
    return rng.choice(by_role[choose({role: _ROLES[role] for role in by_role}, rng)])


def _draw_cells(score: Score, rng: Random, largest_share: float) -> set[tuple[int, int]]:
    """Cells (track, bar): bars of one track in a row, or single cells anywhere; at least one."""
    n_tracks, n_bars = len(score.tracks), len(score.tracks[0].bars)
    if rng.random() < 0.5:
        track, length = rng.randrange(n_tracks), rng.randint(1, n_bars // 2)
        first = rng.randint(0, n_bars - length)
        return {(track, bar) for bar in range(first, first + length)}
    cells = [(track, bar) for track in range(n_tracks) for bar in range(n_bars)]
    return set(rng.sample(cells, max(1, int(len(cells) * rng.uniform(0, largest_share)))))


def _hidden(bar: Bar) -> Bar:
    return Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length, future=True)


def _begun(bar: Bar, heard: int) -> Bar:
    """The bar as it is after ``heard`` ticks."""
    notes = [
        replace(note, duration_ticks=min(note.duration_ticks, heard - note.onset_ticks))
        for note in bar.notes
        if note.onset_ticks < heard
    ]
    return replace(bar, notes=notes)


def _silent(bar: Bar) -> Bar:
    return Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length)
