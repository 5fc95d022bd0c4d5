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
    parts: Sequence[Sequence[Bar]] = (),
    quiet: bool = False,
) -> dict[str, Any]:
    """Play sessions of ``n_bars`` bars: each bar is answered one bar ahead, from its own past.

    The other tracks of a scene are played over and over. No check repairs an answer. Each scene is
    played twice: by an agent that was silent so far, as the live server has it, and by one that
    takes over a part, and so has a register to keep.

    Args:
        engine: the model.
        scenes: one session each; their agents' bars serve as the real music to compare with.
        n_bars: length of a session.
        window: bars that the model sees.
        seed: of the random draws.
        parts: bars of real melodic tracks, to compare registers with.
        quiet: no progress bar.

    Returns:
        Of those that were silent: "empty", "repeats" (a bar with the notes of the bar before), as
        shares of the answers; "real_repeats" for the real tracks; "repeats_last_quarter" to see a
        session get stuck. Of those that take over a melodic part: "out_of_register" (mean pitch of
        a bar more than an octave outside those of the part's bars in the scene); and
        "real_out_of_register", of real parts after as many bars.
    """
    empty = repeats = late = 0
    real: list[float] = []
    strayed: list[bool] = []
    total = len(scenes) * (n_bars - _ENTRY)
    melodic = [scene for scene in scenes if scene.role != "drums"]
    progress = tqdm(
        total=total + len(melodic) * (n_bars - _ENTRY), desc="liveness", unit="bar", disable=quiet
    )
    for number, scene in enumerate(scenes):
        first = seed + 1000 * number
        bars = _session(engine, scene, n_bars, window, first, progress)[_ENTRY:]
        same = [_same(a, b) for a, b in pairwise(bars)]
        empty += sum(not bar.notes for bar in bars)
        repeats += sum(same)
        late += sum(same[-(n_bars // 4) :])
        played = [bar for bar in scene.agent.bars if bar.notes]
        real += [_same(a, b) for a, b in pairwise(played)]
        if scene.role != "drums":
            taken_over = _session(engine, scene, n_bars, window, first, progress, _ENTRY)[_ENTRY:]
            strayed += strays(scene.agent.bars, taken_over)
    progress.close()
    played_parts = [[bar for bar in part if bar.notes] for part in parts]
    real_strayed = [
        stray
        for part in played_parts
        if len(part) > window
        for stray in strays(part[:window], part[window:])
    ]
    return {
        "bars": total,
        "empty": empty / total,
        "repeats": repeats / total,
        "repeats_last_quarter": late / (len(scenes) * (n_bars // 4)),
        "real_repeats": fmean(real),
        "out_of_register": fmean(strayed),
        "real_out_of_register": fmean(real_strayed) if real_strayed else None,
    }


def _session(
    engine: InferenceEngine,
    scene: Scene,
    n_bars: int,
    window: int,
    seed: int,
    progress: tqdm,
    heard: int = 0,
) -> list[Bar]:
    """``heard``: bars at the beginning that the agent's real part still plays."""
    *others, agent = scene.score.tracks
    length = len(agent.bars)
    written = list(agent.bars[:heard])
    written += [_silent(agent.bars[bar % length]) for bar in range(heard, n_bars)]
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


def strays(known: Sequence[Bar], bars: Sequence[Bar]) -> list[bool]:
    """For each bar with notes: is its mean pitch an octave outside those of the known bars?"""
    means = [_mean_pitch(bar) for bar in known if bar.notes]
    low, high = min(means) - 12, max(means) + 12
    return [not low <= _mean_pitch(bar) <= high for bar in bars if bar.notes]
