"""Attributes: small integers that describe a track or a bar, read from its notes.

The model is told them as tokens, and the user sets them to steer it. Formulas are those of
MIDI-GPT 0.4.2, quirks included (tags Q10 to Q19 of docs/compatibility.md): published checkpoints
have learnt exactly these numbers.
"""

from midigpt.attributes.analyzer import AttributeAnalyzer
from midigpt.attributes.base import ATTRIBUTE_REGISTRY, TOKEN_TYPE_TO_ATTRIBUTE, BaseAttribute
from midigpt.attributes.density import NoteDensity, NoteDensityQuantile
from midigpt.attributes.duration import NoteDurationDistribution, NoteDurationQuantile
from midigpt.attributes.nomml import Nomml
from midigpt.attributes.pitch import (
    BarLevelPitchClassSet,
    KeySignature,
    PitchClassSet,
    PitchRange,
)
from midigpt.attributes.polyphony import OnsetPolyphony, PolyphonyQuantile
from midigpt.attributes.silence import SilenceProportion

__all__ = [
    "ATTRIBUTE_REGISTRY",
    "TOKEN_TYPE_TO_ATTRIBUTE",
    "AttributeAnalyzer",
    "BarLevelPitchClassSet",
    "BaseAttribute",
    "KeySignature",
    "Nomml",
    "NoteDensity",
    "NoteDensityQuantile",
    "NoteDurationDistribution",
    "NoteDurationQuantile",
    "OnsetPolyphony",
    "PitchClassSet",
    "PitchRange",
    "PolyphonyQuantile",
    "SilenceProportion",
]
