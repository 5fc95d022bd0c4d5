"""The names that scripts written for MIDI-GPT 0.4.2 import from ``midigpt._core``.

The compiled module is :mod:`midigpt._native`; what it leaves to Python (JSON) is added here.
"""

from midigpt._native import (
    AttributeValueConstraint,
    Bar,
    BarAttributeValueConstraint,
    Constraint,
    ConstraintGraph,
    DensityConstraint,
    GenreGrouping,
    GrammarConstraint,
    Note,
    PolyphonyConstraint,
    Score,
    TokenType,
    Track,
    TrackType,
    Vocabulary,
)
from midigpt.encoder_config import EncoderConfig

__all__ = [
    "AttributeValueConstraint",
    "Bar",
    "BarAttributeValueConstraint",
    "Constraint",
    "ConstraintGraph",
    "DensityConstraint",
    "EncoderConfig",
    "GenreGrouping",
    "GrammarConstraint",
    "Note",
    "PolyphonyConstraint",
    "Score",
    "TokenType",
    "Track",
    "TrackType",
    "Vocabulary",
]
