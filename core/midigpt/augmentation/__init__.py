"""Random changes to scores, so that a model sees more music than there is.

A transform changes the score it is given and returns it; the pipeline works on a copy. All of them
draw from the ``rng`` they are given, or else from one seeded by the module ``random``.
"""

from midigpt.augmentation.bar_window import BarWindow, select_window
from midigpt.augmentation.base import AugmentationPipeline, BaseTransform
from midigpt.augmentation.mask_bar import MaskBar, MaskBarConfig, MaskMode
from midigpt.augmentation.transforms import (
    InstrumentSwap,
    TrackPermutation,
    Transpose,
    VelocityScale,
)

__all__ = [
    "AugmentationPipeline",
    "BarWindow",
    "BaseTransform",
    "InstrumentSwap",
    "MaskBar",
    "MaskBarConfig",
    "MaskMode",
    "TrackPermutation",
    "Transpose",
    "VelocityScale",
    "select_window",
]
