"""Do generated bars have the statistics of real ones? Overlapping area, metric by metric.

The metrics are those of MusPy (Dong et al., 2020) that make sense for one bar, the overlapping area
of their densities is that of Yang and Lerch, "On the evaluation of generative models in music"
(2020). Real bars against other real bars say how much overlap there can be.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import numpy.typing as npt

from midigpt.score import Bar

Floats = npt.NDArray[np.float64]

_GRID = 512  # points at which densities are compared
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def statistics(
    generated: Sequence[Bar], real: Sequence[Bar], resolution: int, seed: int
) -> dict[str, dict[str, float]]:
    """Overlapping area, 0..1, of each metric: "generated" with real, and "real" with real.

    Args:
        generated, real: bars with notes.
        resolution: ticks per quarter note.
        seed: of the draw that halves the real bars.
    """
    shuffled = list(real)
    Random(seed).shuffle(shuffled)
    half = len(shuffled) // 2
    found = {}
    for name, metric in METRICS.items():
        values = [
            np.array([v for v in (metric(bar, resolution) for bar in bars) if v is not None])
            for bars in (generated, real, shuffled[:half], shuffled[half:])
        ]
        if min(map(len, values)) > 1:
            found[name] = {
                "generated": overlapping_area(values[0], values[1]),
                "real": overlapping_area(values[2], values[3]),
            }
    return found


def overlapping_area(first: Floats, second: Floats) -> float:
    """Area under the lower of two densities, 0..1; Gaussian kernels, one bandwidth (Scott)."""
    everything = np.concatenate([first, second])
    spread = max(float(everything.std()), 1e-6)
    grid = np.linspace(everything.min() - 3 * spread, everything.max() + 3 * spread, _GRID)
    width = spread * min(len(first), len(second)) ** -0.2
    densities = []
    for values in (first, second):
        density = np.exp(-0.5 * ((grid[:, None] - values[None]) / width) ** 2).sum(1)
        densities.append(density / (density.sum() or 1.0))
    return float(np.minimum(*densities).sum())


def pitch_range(bar: Bar, resolution: int) -> float | None:
    """Highest minus lowest pitch."""
    pitches = [note.pitch for note in bar.notes]
    return float(max(pitches) - min(pitches)) if pitches else None


def pitches_used(bar: Bar, resolution: int) -> float | None:
    """Number of different pitches."""
    return float(len({note.pitch for note in bar.notes})) if bar.notes else None


def pitch_class_entropy(bar: Bar, resolution: int) -> float | None:
    """Entropy in bits of the pitch classes."""
    counts = Counter(note.pitch % 12 for note in bar.notes)
    shares = [count / counts.total() for count in counts.values()]
    return -sum(share * math.log2(share) for share in shares) if shares else None


def scale_consistency(bar: Bar, resolution: int) -> float | None:
    """Largest share of notes in one major scale."""
    if not bar.notes:
        return None
    return max(
        sum((note.pitch - key) % 12 in _MAJOR for note in bar.notes) / len(bar.notes)
        for key in range(12)
    )


def polyphony(bar: Bar, resolution: int) -> float | None:
    """Mean number of notes sounding where any does."""
    sounding: Counter[int] = Counter()
    for note in bar.notes:
        for tick in range(note.onset_ticks, note.onset_ticks + note.duration_ticks):
            sounding[tick] += 1
    return sounding.total() / len(sounding) if sounding else None


def notes_in_bar(bar: Bar, resolution: int) -> float | None:
    """Number of notes."""
    return float(len(bar.notes))


def empty_beats(bar: Bar, resolution: int) -> float | None:
    """Share of the beats in which no note begins."""
    beats = max(1, round(bar.beat_length))
    return 1 - len({note.onset_ticks // resolution for note in bar.notes}) / beats


def mean_velocity(bar: Bar, resolution: int) -> float | None:
    """Mean velocity."""
    return sum(n.velocity for n in bar.notes) / len(bar.notes) if bar.notes else None


METRICS: dict[str, Callable[[Bar, int], float | None]] = {
    "pitch_range": pitch_range,
    "pitches_used": pitches_used,
    "pitch_class_entropy": pitch_class_entropy,
    "scale_consistency": scale_consistency,
    "polyphony": polyphony,
    "notes_in_bar": notes_in_bar,
    "empty_beats": empty_beats,
    "mean_velocity": mean_velocity,
}
