"""What a transform is, and several in a row."""

from __future__ import annotations

import copy
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence

from midigpt.score import Score


class BaseTransform(ABC):
    """A random change to a score."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self.rng = own_rng(rng)

    @abstractmethod
    def __call__(self, score: Score) -> Score:
        """Change ``score`` in place and return it."""


class AugmentationPipeline:
    """Applies transforms in order to a copy of a score."""

    def __init__(self, transforms: Sequence[BaseTransform]) -> None:
        self.transforms = list(transforms)

    @classmethod
    def default_training(cls, rng: random.Random | None = None) -> AugmentationPipeline:
        """Up to 6 semitones up or down, velocities by 0.8 to 1.2."""
        from midigpt.augmentation.transforms import Transpose, VelocityScale

        rng = own_rng(rng)
        return cls([Transpose(range(-6, 7), rng), VelocityScale((0.8, 1.2), rng)])

    def __call__(self, score: Score) -> Score:
        """The changed copy."""
        score = copy.deepcopy(score)
        for transform in self.transforms:
            score = transform(score)
        return score


def own_rng(rng: random.Random | None) -> random.Random:
    """``rng``, or a new one that ``random.seed`` makes repeatable."""
    return rng if rng is not None else random.Random(random.getrandbits(64))
