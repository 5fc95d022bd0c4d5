"""The names that scripts written for MIDI-GPT 0.4.2 import from ``midigpt._core``.

The compiled module is :mod:`midigpt._native`; what it leaves to Python (JSON) is added here.
"""

from enum import IntEnum

from midigpt._core_planning import GenerationStep, SelectionMask, StepPlanner
from midigpt._native import (
    AttributeValueConstraint,
    Bar,
    BarAttributeValueConstraint,
    Constraint,
    ConstraintGraph,
    Decoder,
    DensityConstraint,
    EncodeOptions,
    Encoder,
    EncodeResult,
    GenreGrouping,
    GrammarConstraint,
    Note,
    PolyphonyConstraint,
    Score,
    SessionState,
    TokenType,
    Track,
    TrackType,
)
from midigpt.encoder_config import EncoderConfig
from midigpt.log import LogLevel, set_verbosity
from midigpt.tokenizer.vocabulary import Vocabulary

# "False" and "True" cannot be written as members of a class statement.
BooleanEnum = IntEnum("BooleanEnum", {"Any": 0, "False": 1, "True": 2})

__all__ = [
    "AttributeValueConstraint",
    "Bar",
    "BarAttributeValueConstraint",
    "BooleanEnum",
    "Constraint",
    "ConstraintGraph",
    "Decoder",
    "DensityConstraint",
    "EncodeOptions",
    "EncodeResult",
    "Encoder",
    "EncoderConfig",
    "GenerationStep",
    "GenreGrouping",
    "GrammarConstraint",
    "LogLevel",
    "Note",
    "PolyphonyConstraint",
    "Score",
    "SelectionMask",
    "SessionState",
    "StepPlanner",
    "TokenType",
    "Track",
    "TrackType",
    "Vocabulary",
    "set_verbosity",
]
