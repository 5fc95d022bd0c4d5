"""Sets of token ids as boolean arrays, for masks and weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt._native import TokenType, Vocabulary

#: One entry per token id.
IdMask: TypeAlias = NDArray[np.bool_]

#: Tokens that a note may begin with.
NOTE_START = (
    TokenType.VelocityLevel,
    TokenType.DeltaDirection,
    TokenType.Delta,
    TokenType.NoteOnset,
    TokenType.NotePitch,
)
#: Everything that says something about a note.
NOTE_CONTENT = (*NOTE_START, TokenType.NoteDuration, TokenType.TimeAbsolutePos)
#: Ends of a bar and of a fill block.
BLOCK_END = (TokenType.BarEnd, TokenType.FillInEnd)


def ids_of(vocabulary: Vocabulary, types: Iterable[TokenType]) -> IdMask:
    """True for the ids of these token types; types that the vocabulary lacks are left out."""
    mask = np.zeros(vocabulary.size(), dtype=np.bool_)
    for kind in types:
        first, end = vocabulary.range(kind)
        if first >= 0:
            mask[first:end] = True
    return mask


def clamped_id(vocabulary: Vocabulary, kind: TokenType, value: int) -> int:
    """The id of the nearest value in the type's domain."""
    return vocabulary.encode_val(kind, min(max(value, 0), vocabulary.domain_size(kind) - 1))
