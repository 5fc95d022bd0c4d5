"""The names that scripts written for MIDI-GPT 0.4.2 import from ``midigpt._core``.

The compiled module is :mod:`midigpt._native`; what it leaves to Python (JSON) is added here.
"""

from collections.abc import Sequence
from enum import IntEnum
from os import PathLike

from midigpt import midi
from midigpt._converters import from_cpp, to_cpp
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


class MidiReader:
    """Reads Standard MIDI Files into flat scores; see :mod:`midigpt.midi` for rules and errors."""

    def __init__(self, resolution: int = 480) -> None:
        """``resolution``: ticks per quarter note of the scores, 1 or more."""
        self._resolution = resolution

    def read(self, path: str | PathLike[str]) -> Score:
        """The score of a file."""
        return to_cpp(midi.read(path, self._resolution))

    def read_bytes(self, data: Sequence[int]) -> Score:
        """The score of the bytes of a file."""
        return to_cpp(midi.read_bytes(bytes(data), self._resolution))


class MidiWriter:
    """Writes flat scores as format-1 Standard MIDI Files."""

    def write(self, score: Score, path: str | PathLike[str]) -> None:
        """Write a file."""
        midi.write(from_cpp(score), path)

    def write_bytes(self, score: Score) -> list[int]:
        """The bytes of the file."""
        return list(midi.write_bytes(from_cpp(score)))


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
    "MidiReader",
    "MidiWriter",
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
