"""How far a run has come, and the learning rate there."""

from __future__ import annotations

import math
import time

from midigpt.training.config import TrainConfig


class Clock:
    """Wall time of a run that may be continued."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        self._start = time.monotonic() - seconds


def progress(config: TrainConfig, step: int, total_steps: int, seconds: float) -> float:
    """Share of the training that is done, 0..1: by steps if they are limited, otherwise by time.

    Args:
        config: its max_minutes ends a run in any case.
        step: optimiser steps taken.
        total_steps: of the whole run; 0 = as many as time allows.
        seconds: wall time so far.
    """
    by_time = seconds / (60 * config.max_minutes) if config.max_minutes > 0 else 0.0
    done = step / total_steps if total_steps else by_time
    return 1.0 if by_time >= 1 else min(1.0, done)


def rate_factor(config: TrainConfig, step: int, done: float) -> float:
    """Factor of the learning rate, 0..1, in the step after ``step`` steps.

    A straight line to 0 ends at a lower loss than half a cosine (Bergsma et al., "Straight to
    zero", 2025).
    """
    if config.warmup_steps:
        rising = (step + 1) / config.warmup_steps
    elif config.warmup_ratio:
        rising = max(0.01, done / config.warmup_ratio)
    else:
        rising = 1.0
    falling = {
        "linear": 1 - done,
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "constant": 1.0,
    }[config.lr_scheduler_type]
    return min(1.0, rising, falling)
