"""From rendered samples to a recording: silence off both ends, an even loudness, no clipping."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from midigpt.audio.synthesis import SAMPLE_RATE, Samples

#: Integrated loudness of a recording, LUFS (ITU-R BS.1770).
LOUDNESS = -18.0
#: Largest sample, leaving 1 dB for what lossy codecs overshoot.
CEILING = 10 ** (-1 / 20)
#: What is this far below the peak counts as silence at the ends, in decibels.
SILENCE_DB = 60.0
#: Shortest sound whose loudness is defined, in seconds: one block of the measurement.
SHORTEST = 0.4

#: Seconds over which the limiter turns down ahead of a peak, and up again behind it.
_LIMITER_SECONDS = 0.005
_ROUNDS = 3
_CLOSE_ENOUGH = 0.1


def master(samples: Samples, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Trim silence, bring the loudness to :data:`LOUDNESS` and peaks below :data:`CEILING`.

    A sound shorter than 0.4 s, or silence, has no loudness: it is trimmed and kept as it is.

    Args:
        samples: shape (frames, 2), -1..1.
        sample_rate: in hertz.

    Raises:
        ImportError: the extra audio is not installed.
    """
    trimmed = trim(samples)
    if len(trimmed) < SHORTEST * sample_rate:
        return trimmed
    result = trimmed
    for _ in range(_ROUNDS):  # what the limiter takes away is made up for
        level = loudness(result, sample_rate)
        if not np.isfinite(level) or abs(level - LOUDNESS) < _CLOSE_ENOUGH:
            break
        result = _limit(result * np.float32(10 ** ((LOUDNESS - level) / 20)), sample_rate)
    return _limit(result, sample_rate)


def trim(samples: Samples) -> Samples:
    """Cut off both ends what is :data:`SILENCE_DB` below the peak; everything, of silence."""
    level = np.abs(samples).max(axis=1, initial=0.0)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (-SILENCE_DB / 20))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]


def loudness(samples: Samples, sample_rate: int = SAMPLE_RATE) -> float:
    """Integrated loudness in LUFS; minus infinity for silence.

    Raises:
        ImportError: the extra audio is not installed.
        ValueError: the sound is shorter than 0.4 s.
    """
    meter = _loudness_module().Meter(sample_rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a logarithm of silence
        return float(meter.integrated_loudness(samples.astype(np.float64)))


def _limit(samples: Samples, sample_rate: int) -> Samples:
    """Turn down smoothly around samples beyond :data:`CEILING`."""
    peaks = np.abs(samples).max(axis=1, initial=0.0)
    if peaks.max(initial=0.0) <= CEILING:
        return samples
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    width = 2 * int(_LIMITER_SECONDS * sample_rate) + 1
    gain = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    # The mean over a window of minima over the same window is nowhere above the gain itself.
    smooth = uniform_filter1d(minimum_filter1d(gain, width), width)
    limited: Samples = (samples * np.minimum(smooth, gain)[:, None]).astype(np.float32)
    return limited


def _loudness_module() -> Any:
    try:
        import pyloudnorm
    except ImportError:
        raise ImportError(
            'mastering sound needs the extra audio: pip install "midigpt-live[audio]"'
        ) from None
    return pyloudnorm
