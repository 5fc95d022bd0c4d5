"""Random walks through what a mask allows, and random settings of the constraints."""

from __future__ import annotations

import random
import zlib
from functools import cache

from midigpt import _core
from tests.parity.windows import tokenizer

VALUE_TYPES = (
    "TimeSig",
    "NoteDensity",
    "MinPolyphony",
    "MaxNoteDuration",
    "KeySignature",
    "PitchRange",
    "OnsetPolyphony",
    "BarLevelOnsetDensity",
    "NoteDuration",
)


def vocabulary(encoder: str) -> _core.Vocabulary:
    """The vocabulary of a published encoder, attributes included."""
    return tokenizer(encoder)._vocab


@cache
def types(encoder: str) -> list[int]:
    """The token type of each id."""
    vocab = vocabulary(encoder)
    return [int(vocab.get_type(i)) for i in range(vocab.size())]


def digest(allowed: list[bool]) -> int:
    """A checksum of a mask."""
    return zlib.crc32(bytes(allowed))


def choose(allowed: list[bool], encoder: str, rng: random.Random) -> int | None:
    """An id of a random allowed type, an end of something more often; None when nothing is left."""
    by_type: dict[int, list[int]] = {}
    for i, kind in enumerate(types(encoder)):
        if allowed[i]:
            by_type.setdefault(kind, []).append(i)
    if not by_type:
        return None
    ends = [t for t in by_type if _core.TokenType(t).name.endswith("End")]
    kind = rng.choice(ends if ends and rng.random() < 0.1 else sorted(by_type))
    return rng.choice(by_type[kind])


def random_constraints(encoder: str, rng: random.Random) -> list[_core.Constraint]:
    """Some limits and value constraints; few of them, lest nothing remains."""
    vocab = vocabulary(encoder)
    out: list[_core.Constraint] = []
    if rng.random() < 0.4:
        out.append(_core.PolyphonyConstraint(rng.randint(1, 4)))
    if rng.random() < 0.4:
        out.append(_core.DensityConstraint(rng.randint(1, 12)))
    for name in VALUE_TYPES:
        kind = getattr(_core.TokenType, name)
        size = vocab.domain_size(kind)
        if not size or rng.random() < 0.8:
            continue
        value = rng.randrange(size)
        if rng.random() < 0.5:
            out.append(_core.AttributeValueConstraint(kind, value))
        else:
            place = rng.randrange(3), rng.randrange(4)
            out.append(_core.BarAttributeValueConstraint(kind, *place, value))
    return out
