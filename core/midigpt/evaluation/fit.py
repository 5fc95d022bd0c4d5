"""Fit: how well an answer agrees with what it accompanies.

Three measures of a bar against the same bar of the other tracks, each 0..1: shared pitch classes,
consonance of what sounds together, and onsets shared with the drums. They are put on a scale where
bars of the same role from other songs are 0 and the bars that were really played are 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from midigpt.evaluation.scenes import Scene, answer, others_of
from midigpt.inference import InferenceEngine
from midigpt.score import Bar

Measure: TypeAlias = "Callable[[Bar, Sequence[Bar], int], float | None]"

_CONSONANT = frozenset({0, 3, 4, 5, 7, 8, 9})  # intervals in semitones, modulo 12
_STEPS = 4  # onset positions in a quarter note


def fit(
    engine: InferenceEngine, scenes: Sequence[Scene], seed: int, quiet: bool = False
) -> dict[str, Any]:
    """Measure answers to the last bar of each scene, with the other tracks known, and live.

    Args:
        engine: the model.
        scenes: windows whose last bar the agent writes.
        seed: of the random draws.
        quiet: no progress bar.

    Returns:
        By measure and by situation: "given" (the others' last bar is known) and "live" (it is not,
        nor the one before), the place on the scale, and the raw means of "other", "true".
    """
    rng = Random(seed)
    rows: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in _MEASURES}
    for number, scene in enumerate(tqdm(scenes, desc="fit", unit="bar", disable=quiet)):
        last = len(scene.agent.bars) - 1
        bars = range(last, last + 1)
        (given,) = answer(engine, scene.score, bars, seed + number)
        (live,) = answer(engine, scene.score, bars, seed + number, playhead=last - 1)
        strangers = [
            other
            for other in scenes
            if other.role == scene.role
            and other.piece != scene.piece
            and other.agent.bars[-1].beat_length == scene.agent.bars[-1].beat_length
        ]
        if not strangers:
            continue
        stranger = rng.choice(strangers).agent.bars[-1]
        for name, (measure, drums) in _MEASURES.items():
            if drums is False and scene.role == "drums":
                continue
            others = [track.bars[last] for track in others_of(scene, drums)]
            found = [
                measure(bar, others, scene.score.resolution)
                for bar in (given, live, stranger, scene.agent.bars[last])
            ]
            if None not in found:
                rows[name].append(tuple(found))  # type: ignore[arg-type]
    return {name: _scale(np.array(values)) for name, values in rows.items() if values}


def _scale(rows: npt.NDArray[np.float64]) -> dict[str, float]:
    given, live, other, true = rows.mean(0)
    raw = {"other": float(other), "true": float(true), "bars": len(rows)}
    if true == other:  # no scale
        return raw
    places = {"given": (given - other) / (true - other), "live": (live - other) / (true - other)}
    return {**{name: float(place) for name, place in places.items()}, **raw}


def pitch_class_overlap(bar: Bar, others: Sequence[Bar], resolution: int) -> float | None:
    """Intersection of the pitch class histograms by duration; None if one is empty."""
    own, theirs = _pitch_classes([bar]), _pitch_classes(others)
    if not own.any() or not theirs.any():
        return None
    return float(np.minimum(own / own.sum(), theirs / theirs.sum()).sum())


def consonance(bar: Bar, others: Sequence[Bar], resolution: int) -> float | None:
    """Share of the ticks in which two notes sound together whose interval is consonant."""
    together = consonant = 0
    for note in bar.notes:
        for other in (other for accompanied in others for other in accompanied.notes):
            start = max(note.onset_ticks, other.onset_ticks)
            end = min(
                note.onset_ticks + note.duration_ticks, other.onset_ticks + other.duration_ticks
            )
            if end > start:
                together += end - start
                if (note.pitch - other.pitch) % 12 in _CONSONANT:
                    consonant += end - start
    return consonant / together if together else None


def onset_overlap(bar: Bar, others: Sequence[Bar], resolution: int) -> float | None:
    """F1 of the sixteenths on which both begin a note; None if one is empty."""
    own = _onsets([bar], resolution)
    theirs = _onsets(others, resolution)
    if not own or not theirs:
        return None
    return 2 * len(own & theirs) / (len(own) + len(theirs))


def _pitch_classes(bars: Sequence[Bar]) -> npt.NDArray[np.float64]:
    histogram = np.zeros(12)
    for bar in bars:
        for note in bar.notes:
            histogram[note.pitch % 12] += note.duration_ticks
    return histogram


def _onsets(bars: Sequence[Bar], resolution: int) -> set[int]:
    return {round(n.onset_ticks * _STEPS / resolution) for bar in bars for n in bar.notes}


#: Name: the measure, and whether it is taken against the drums.
_MEASURES: dict[str, tuple[Measure, bool]] = {
    "pitch_class_overlap": (pitch_class_overlap, False),
    "consonance": (consonance, False),
    "onset_overlap": (onset_overlap, True),
}
