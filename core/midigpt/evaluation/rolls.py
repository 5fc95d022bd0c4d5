"""Piano rolls of what a model was shown and what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from midigpt.evaluation.scenes import Scene, answer
from midigpt.inference import InferenceEngine
from midigpt.roll import svg


def write_rolls(
    engine: InferenceEngine, scenes: Sequence[Scene], written: int, seed: int, folder: str | Path
) -> list[Path]:
    """Let the model write the last ``written`` bars of the agent, unseen by it; draw all tracks.

    One SVG for each scene, named after its role; the model's track is the last, in a colour of its
    own. Returns the files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, scene in enumerate(scenes):
        window = len(scene.agent.bars)
        bars = range(window - written, window)
        new = answer(engine, scene.score, bars, seed + number, playhead=window - written)
        agent = replace(scene.agent, bars=[*scene.agent.bars[: bars.start], *new])
        tracks = [*scene.score.tracks[:-1], agent]
        files.append(folder / f"answer-{scene.role}.svg")
        files[-1].write_text(svg(replace(scene.score, tracks=tracks), {len(tracks) - 1}))
    return files
