"""Liveness: does an agent go on playing through a long session, without getting stuck?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean
from typing import Any

from tqdm import tqdm

from midigpt.evaluation.scenes import Scene, answer
from midigpt.inference import InferenceEngine
from midigpt.score import Bar, Score

_ENTRY = 4  # bars that are heard before the first answer, as the live server's default has it
_SETTINGS: dict[str, Any] = {"novelty_check": False, "silence_check": False, "max_attempts": 1}


def liveness(
    engine: InferenceEngine,
    scenes: Sequence[Scene],
    n_bars: int,
    window: int,
    seed: int,
    quiet: bool = False,
) -> dict[str, Any]:
    """Play sessions of ``n_bars`` bars: each bar is answered one bar ahead, from its own past.

    The other tracks of a scene are played over and over. No check repairs an answer.

    Args:
        engine: the model.
        scenes: one session each; their agents' bars serve as the real music to compare with.
        n_bars: length of a session.
        window: bars that the model sees.
        seed: of the random draws.
        quiet: no progress bar.

    Returns:
        "empty", "repeats" (a bar with the notes of the bar before), "out_of_register" (mean pitch
        more than an octave outside what the real track plays), as shares of the answers;
        "real_repeats" for the real tracks; "repeats_last_quarter" to see a session get stuck.
    """
    empty = repeats = out = late = 0
    real: list[float] = []
    total = len(scenes) * (n_bars - _ENTRY)
    progress = tqdm(total=total, desc="liveness", unit="bar", disable=quiet)
    for number, scene in enumerate(scenes):
        low, high = _register(scene.agent.bars)
        bars = _session(engine, scene, n_bars, window, seed + 1000 * number, progress)[_ENTRY:]
        same = [_same(a, b) for a, b in pairwise(bars)]
        empty += sum(not bar.notes for bar in bars)
        repeats += sum(same)
        late += sum(same[-(n_bars // 4) :])
        out += sum(not low - 12 <= _mean_pitch(bar) <= high + 12 for bar in bars if bar.notes)
        played = [bar for bar in scene.agent.bars if bar.notes]
        real += [_same(a, b) for a, b in pairwise(played)]
    progress.close()
    return {
        "bars": total,
        "empty": empty / total,
        "repeats": repeats / total,
        "repeats_last_quarter": late / (len(scenes) * (n_bars // 4)),
        "real_repeats": fmean(real),
        "out_of_register": out / max(1, total - empty),
    }


def _session(
    engine: InferenceEngine, scene: Scene, n_bars: int, window: int, seed: int, progress: tqdm
) -> list[Bar]:
    *others, agent = scene.score.tracks
    length = len(agent.bars)
    written = [_silent(agent.bars[bar % length]) for bar in range(n_bars)]
    for target in range(_ENTRY, n_bars):
        end = max(target + 1, window)
        first = end - window
        past = range(first, end)
        shown = [replace(t, bars=[t.bars[bar % length] for bar in past]) for t in others]
        own = replace(agent, bars=[written[bar] for bar in past])
        (written[target],) = answer(
            engine,
            Score([*shown, own], scene.score.resolution),
            range(target - first, window),
            seed + target,
            playhead=target - 1 - first,
            wanted=1,
            **_SETTINGS,
        )
        progress.update()
    return written


def _silent(bar: Bar) -> Bar:
    return Bar([], bar.ts_numerator, bar.ts_denominator, bar.beat_length)


def _same(first: Bar, second: Bar) -> bool:
    return bool(first.notes) and _content(first) == _content(second)


def _content(bar: Bar) -> set[tuple[int, int]]:
    return {(note.onset_ticks, note.pitch) for note in bar.notes}


def _mean_pitch(bar: Bar) -> float:
    return fmean(note.pitch for note in bar.notes)


def _register(bars: Sequence[Bar]) -> tuple[float, float]:
    means = [_mean_pitch(bar) for bar in bars if bar.notes]
    return min(means), max(means)
