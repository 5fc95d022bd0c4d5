"""Control: does a track written to order have the attribute levels that were asked for?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any

from tqdm import tqdm

from midigpt.evaluation.scenes import Scene, answer
from midigpt.inference import InferenceEngine
from midigpt.score import Note, Score, Track

_LIMITS: dict[str, Any] = {"polyphony_hard_limit": 2, "density_hard_limit": 6}


def control(
    engine: InferenceEngine, scenes: Sequence[Scene], seed: int, quiet: bool = False
) -> dict[str, Any]:
    """Ask for a whole track with the levels of a track of the same role in another piece.

    Args:
        engine: the model.
        scenes: windows; their agents' tracks are written anew, from the first bar to the last.
        seed: of the random draws.
        quiet: no progress bar.

    Returns:
        By attribute: "exact" and "within_one", shares of tracks with the level that was asked for,
        or one beside it, and "tracks"; "note_density_told" is note density when the model is only
        told of it (``hold_density`` off). "limits_broken": how many tracks had a bar with more
        notes, or an onset with more notes, than the hard limits of a second run allow.
    """
    rng, levels = Random(seed), _levels(engine, scenes)
    misses: dict[str, list[int]] = defaultdict(list)
    broken = tried = 0
    for number, scene in enumerate(tqdm(scenes, desc="control", unit="track", disable=quiet)):
        same_role = [i for i, other in enumerate(scenes) if other.role == scene.role]
        wanted = levels[rng.choice([i for i in same_role if i != number] or same_role)]
        bars = range(len(scene.agent.bars))
        for held in (True, False) if "note_density" in wanted else (True,):
            written = answer(
                engine, scene.score, bars, seed + number, attributes=wanted, hold_density=held
            )
            found = _levels_of(engine, scene, Track(written, *_kind(scene)))
            for name in wanted if held else ("note_density",):
                miss = abs(found.get(name, wanted[name] + 100) - wanted[name])
                misses[name if held else f"{name}_told"].append(miss)
        if number % 4 == 0:
            limited = answer(engine, scene.score, bars, seed + number, **_LIMITS)
            tried += 1
            broken += any(_breaks(bar.notes) for bar in limited)
    report: dict[str, Any] = {
        name: {
            "exact": sum(miss == 0 for miss in found) / len(found),
            "within_one": sum(miss <= 1 for miss in found) / len(found),
            "tracks": len(found),
        }
        for name, found in sorted(misses.items())
    }
    return {**report, "limits_broken": broken, "limits_tried": tried}


def _kind(scene: Scene) -> tuple[int, str]:
    return scene.agent.instrument, scene.agent.track_type


def _levels(engine: InferenceEngine, scenes: Sequence[Scene]) -> list[dict[str, int]]:
    return [_levels_of(engine, scene, scene.agent) for scene in scenes]


def _levels_of(engine: InferenceEngine, scene: Scene, track: Track) -> dict[str, int]:
    score = Score([track], scene.score.resolution)
    return dict(engine.analyzer.compute_track_tokens(score, 0))


def _breaks(notes: Sequence[Note]) -> bool:
    onsets: dict[int, int] = defaultdict(int)
    for note in notes:
        onsets[note.onset_ticks] += 1
    return len(notes) > int(_LIMITS["density_hard_limit"]) or max(onsets.values(), default=0) > int(
        _LIMITS["polyphony_hard_limit"]
    )
