"""Held-out moments to be answered by a model: bars of a piece, and the track that it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.roles import ROLES, role_of_track
from midigpt.score import Bar, Score, Track
from midigpt.training.corpus import Piece, bars_from_piece

_MOST_TRACKS = 5


@dataclass(frozen=True)
class Scene:
    """A window of a held-out piece; the agent's is its last track.

    Attributes:
        score: on the model grid.
        role: of the agent.
        piece: number of the piece, to tell songs apart.
        bars: which bars of the piece these are.
    """

    score: Score
    role: str
    piece: int
    bars: range

    @property
    def agent(self) -> Track:
        """The track to write."""
        return self.score.tracks[-1]


def draw_scenes(
    pieces: Sequence[Piece],
    n_bars: int,
    count: int,
    rng: Random,
    meters: frozenset[tuple[int, int]],
    resolution: int,
    roles: Sequence[str] = ROLES,
    answered: int = 1,
    with_drums: bool = False,
) -> list[Scene]:
    """Up to ``count`` windows of ``n_bars`` bars for each role, each from a piece of its own turn.

    In the last ``answered`` bars the agent and another track play (``with_drums``: drums among the
    others), and the agent plays before them.
    """
    scenes: list[Scene] = []
    order = list(range(len(pieces)))
    rng.shuffle(order)
    counts = dict.fromkeys(roles, 0)
    for _ in range(4):  # turns: a piece may serve once in each
        for number in order:
            scene = _scene(
                pieces[number], number, n_bars, rng, meters, resolution, counts, answered
            )
            if scene is None or (with_drums and not any(others_of(scene, drums=True))):
                continue
            if counts[scene.role] < count:
                counts[scene.role] += 1
                scenes.append(scene)
    return scenes


def _scene(
    piece: Piece,
    number: int,
    n_bars: int,
    rng: Random,
    meters: frozenset[tuple[int, int]],
    resolution: int,
    counts: Mapping[str, int],
    answered: int,
) -> Scene | None:
    if piece.n_bars < n_bars:
        return None
    first = rng.randint(0, piece.n_bars - n_bars)
    end = first + n_bars
    if not meters.issuperset(map(tuple, piece.signatures[first:end].tolist())):
        return None
    playing = [t for t in piece.tracks if t.n_played(end - answered, end) == answered]
    if len(playing) < 2:
        return None
    rng.shuffle(playing)
    tracks = [
        Track(
            bars_from_piece(piece, track, first, end),
            track.program,
            "drum" if track.is_drum else "melodic",
        )
        for track in playing[:_MOST_TRACKS]
    ]
    fitting = [
        track
        for track in tracks
        if role_of_track(track) in counts and any(bar.notes for bar in track.bars[:-answered])
    ]
    if not fitting:
        return None
    agent = min(fitting, key=lambda track: counts[role_of_track(track)])
    tracks = [*(track for track in tracks if track is not agent), agent]
    return Scene(Score(tracks, resolution), role_of_track(agent), number, range(first, end))


def answer(
    engine: InferenceEngine,
    score: Score,
    bars: range,
    seed: int,
    playhead: int | None = None,
    attributes: Mapping[str, int] | None = None,
    wanted: int | None = None,
    filled_in: bool = False,
    **settings: Any,
) -> list[Bar]:
    """The bars that a model writes for the last track, as the live server asks for them.

    Args:
        engine: the model.
        score: the window, on the model grid.
        bars: which bars to write; they reach to the end of the window.
        seed: of the random draws.
        playhead: from this bar on the other tracks are hidden; None = they are known.
        attributes: levels to ask for.
        wanted: stop after so many bars; None = after all.
        filled_in: write the bars as an infill, after all tracks, instead of left to right.
        settings: other fields of :class:`midigpt.inference.InferenceConfig`.
    """
    window = len(score.tracks[0].bars)
    hidden = list(range(window if playhead is None else playhead, window))
    last = len(score.tracks) - 1
    prompts = [TrackPrompt(index, [], mask_bars=hidden) for index in range(last)]
    prompts.append(
        TrackPrompt(
            last, list(bars), autoregressive=not filled_in, attributes=dict(attributes or {})
        )
    )
    config = InferenceConfig(
        seed=seed,
        **{"model_dim": window, "bars_per_step": len(bars), "tracks_per_step": 0, **settings},
    )
    session = engine.session(
        silenced(score, bars),
        GenerationRequest(prompts, config),
        stop_after_bars=wanted or len(bars),
    )
    track = session.run().resample(score.resolution).tracks[last]
    return [track.bars[bar] for bar in bars[:wanted]]


def silenced(score: Score, bars: range) -> Score:
    """A copy of the score without the notes of these bars of the last track."""
    *others, agent = score.tracks
    kept = [
        Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length) if index in bars else bar
        for index, bar in enumerate(agent.bars)
    ]
    return Score(
        [*others, Track(kept, agent.instrument, agent.track_type)], score.resolution, score.tempo
    )


def others_of(scene: Scene, drums: bool) -> Iterator[Track]:
    """The tracks that the agent accompanies: the drums, or all but them."""
    for track in scene.score.tracks[:-1]:
        if (track.track_type == "drum") == drums:
            yield track
