"""Writing marked bars of a take: whatever is not marked stays as it is."""

from __future__ import annotations

import math
from typing import Any

from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt
from midigpt.score import Bar, Note, Score, Track
from midigpt_studio.take import BadTakeError, Take

#: Ticks per quarter note: more than any model's grid, so that nothing is lost on the way to it.
_RESOLUTION = 1920
_MAX_BARS = 2000
_LEAST_BARS = 4  # the shortest window


def infill(engine: InferenceEngine, take: Take, wish: Any) -> list[dict[str, Any]]:
    """Write bars. ``wish`` has ``marks`` (a list of ``{track, bars}``, indices from 0) and, as they
    please, ``temperature``, ``top_p`` and ``seed``.

    Returns:
        For each mark, ``{track, bars}`` with ``bars`` from bar number to its new notes.

    Raises:
        BadTakeError: the take or the wish is malformed, or the model cannot fulfil it.
    """
    try:
        score = _score(take)
        marks = {
            int(mark["track"]): sorted({int(bar) for bar in mark["bars"]}) for mark in wish["marks"]
        }
        config = InferenceConfig(
            temperature=float(wish.get("temperature", 1.0)),
            top_p=float(wish.get("top_p", 1.0)),
            seed=int(wish.get("seed", -1)),
            model_dim=0,
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
        raise BadTakeError(f"not a take with marks: {problem}") from None
    prompts = [TrackPrompt(index, marks.get(index, [])) for index in range(len(score.tracks))]
    try:
        written = engine.session(score, GenerationRequest(prompts, config)).run()
    except (ValueError, RuntimeError) as problem:
        raise BadTakeError(str(problem)) from None
    return [
        {
            "track": index,
            "bars": {
                bar: _notes(written.tracks[index].bars[bar], written.resolution) for bar in bars
            },
        }
        for index, bars in marks.items()
    ]


def _score(take: Take) -> Score:
    meters = [(int(n), int(d)) for n, d in take["meters"]]
    if len(meters) > _MAX_BARS:
        raise ValueError(f"{len(meters)} bars; {_MAX_BARS} is the most")
    meters += [meters[-1] if meters else (4, 4)] * (_LEAST_BARS - len(meters))
    return Score(
        tracks=[
            Track(
                bars=[
                    _bar(track["bars"][i] if i < len(track["bars"]) else [], *meter)
                    for i, meter in enumerate(meters)
                ],
                instrument=int(track["instrument"]),
                track_type="drum" if track["is_drum"] else "melodic",
            )
            for track in take["tracks"]
        ],
        resolution=_RESOLUTION,
        tempo=round(60e6 / float(take["tempos"][0][1])),
    )


def _bar(notes: list[Any], numerator: int, denominator: int) -> Bar:
    ticks = 4 * numerator * _RESOLUTION // denominator
    return Bar(
        [
            Note(
                int(pitch),
                int(velocity),
                min(math.floor(onset * ticks + 0.5), ticks - 1),
                max(1, math.floor(duration * ticks + 0.5)),
            )
            for pitch, velocity, onset, duration in notes
        ],
        numerator,
        denominator,
        4 * numerator / denominator,
    )


def _notes(bar: Bar, resolution: int) -> list[list[float]]:
    ticks = 4 * bar.ts_numerator * resolution / bar.ts_denominator
    return [
        [note.pitch, note.velocity, note.onset_ticks / ticks, note.duration_ticks / ticks]
        for note in bar.notes
    ]
