"""Fit: how well an answer agrees with what it accompanies.

Measures of a bar against the same bar of the other tracks: shared pitch classes and consonance of
what sounds together for melodic tracks, and for a bass whether it begins its notes with the kick
drum. They are put on a scale where bars of the same role from other songs are 0 and the bars that
were really played are 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from midigpt.evaluation.scenes import Scene, answer, others_of
from midigpt.general_midi import KICKS
from midigpt.inference import InferenceEngine
from midigpt.score import Bar

Floats: TypeAlias = "npt.NDArray[np.float64]"
Measure: TypeAlias = "Callable[[Bar, Sequence[Bar], int], float | None]"

_CONSONANT = frozenset({0, 3, 4, 5, 7, 8, 9})  # intervals in semitones, modulo 12
_STEPS = 4  # onset positions in a quarter note
_RESAMPLES = 1000


def fit(
    engine: InferenceEngine,
    scenes: Sequence[Scene],
    grooves: Sequence[Scene],
    seed: int,
    quiet: bool = False,
) -> dict[str, Any]:
    """Measure answers to the last bar of each scene, with the other tracks known, and live.

    Args:
        engine: the model.
        scenes: windows whose last bar the agent writes, for the pitches.
        grooves: windows of a bass with drums, for the onsets.
        seed: of the random draws.
        quiet: no progress bar.

    Returns:
        By measure and by situation the place on the scale: "given" (the others' last bar is known,
        the agent's is filled in), "continued" (it is known, too, but the agent goes on from left to
        right) and "live" (it is not known, nor the one before); each with its standard error
        (bootstrap over bars). And the raw means of "other" and "true". "kick_lock" is measured as
        the live server plays (``follow_kick`` 1), "kick_lock_free" without that.
    """
    rounds: list[tuple[Mapping[str, Measure], Sequence[Scene], float]] = [
        ({"pitch_class_overlap": pitch_class_overlap, "consonance": consonance}, scenes, 0.0),
        ({"kick_lock": kick_lock}, grooves, 1.0),
        ({"kick_lock_free": kick_lock}, grooves, 0.0),
    ]
    rows: dict[str, list[tuple[float, ...]]] = {n: [] for names, _, _ in rounds for n in names}
    total = sum(len(chosen) for _, chosen, _ in rounds)
    progress = tqdm(total=total, desc="fit", unit="bar", disable=quiet)
    for measures, chosen, follow_kick in rounds:
        rng, drums = Random(seed), chosen is grooves
        for number, scene in enumerate(chosen):
            progress.update()
            stranger = _stranger(scene, chosen, rng)
            if stranger is None or (scene.role == "drums") > drums:
                continue
            answers = _answers(engine, scene, seed + number, follow_kick)
            compared = [stranger, scene.agent.bars[-1], *answers]
            others = [track.bars[-1] for track in others_of(scene, drums)]
            for name, measure in measures.items():
                found = [measure(bar, others, scene.score.resolution) for bar in compared]
                if None not in found:
                    rows[name].append(tuple(found))  # type: ignore[arg-type]
    progress.close()
    return {name: _scale(np.array(values), seed) for name, values in rows.items() if values}


def _answers(engine: InferenceEngine, scene: Scene, seed: int, follow_kick: float) -> list[Bar]:
    """The last bar, as in :data:`_SITUATIONS`."""
    last = len(scene.agent.bars) - 1
    bars = range(last, last + 1)
    ways: list[dict[str, Any]] = [{"filled_in": True}, {}, {"playhead": last - 1}]
    return [
        answer(engine, scene.score, bars, seed, follow_kick=follow_kick, **way)[0] for way in ways
    ]


def _stranger(scene: Scene, scenes: Sequence[Scene], rng: Random) -> Bar | None:
    """The last bar of the same role in another song, of the same length."""
    strangers = [
        other.agent.bars[-1]
        for other in scenes
        if other.role == scene.role
        and other.piece != scene.piece
        and other.agent.bars[-1].beat_length == scene.agent.bars[-1].beat_length
    ]
    return rng.choice(strangers) if strangers else None


def _scale(rows: Floats, seed: int) -> dict[str, float]:
    """Places of the answers; ``rows`` (bars, 2 + situations): other, true, and the answers."""

    def places(means: Floats) -> Floats:
        return (means[..., 2:] - means[..., :1]) / (means[..., 1:2] - means[..., :1])

    means = rows.mean(0)
    found = {"other": float(means[0]), "true": float(means[1]), "bars": len(rows)}
    if means[0] == means[1]:  # no scale
        return found
    draws = np.random.default_rng(seed).integers(len(rows), size=(_RESAMPLES, len(rows)))
    resampled = rows[draws].mean(1)
    errors = places(resampled[resampled[:, 0] != resampled[:, 1]]).std(0)
    for name, place, error in zip(_SITUATIONS, places(means), errors, strict=True):
        found |= {name: float(place), f"{name}_error": float(error)}
    return found


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


def kick_lock(bar: Bar, others: Sequence[Bar], resolution: int) -> float | None:
    """Correlation, -1..1, of the sixteenths with an onset and those with a kick drum.

    None if either has none, or all. The F1 of all onsets and all drums, instead, does not tell the
    true bars from those of other songs: cymbals play on nearly every eighth.
    """
    steps = max(1, round(bar.beat_length * _STEPS))
    kicks = [Bar([note for note in other.notes if note.pitch in KICKS]) for other in others]
    own, theirs = (_onsets(bars, resolution, steps) for bars in ([bar], kicks))
    if own.std() == 0 or theirs.std() == 0:
        return None
    return float(np.corrcoef(own, theirs)[0, 1])


def _pitch_classes(bars: Sequence[Bar]) -> Floats:
    histogram = np.zeros(12)
    for bar in bars:
        for note in bar.notes:
            histogram[note.pitch % 12] += note.duration_ticks
    return histogram


def _onsets(bars: Sequence[Bar], resolution: int, steps: int) -> Floats:
    """1 for each of the ``steps`` of a bar on which a note begins, else 0."""
    onsets = np.zeros(steps)
    for bar in bars:
        for note in bar.notes:
            onsets[min(round(note.onset_ticks * _STEPS / resolution), steps - 1)] = 1
    return onsets


_SITUATIONS = ("given", "continued", "live")
