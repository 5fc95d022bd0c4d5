"""What the rest of midigpt knows of a language model: read tokens, get logits, cut back.

Every engine (PyTorch GPT-2, the native engine, others to come) stands behind
:class:`LanguageModel`. Arrays are numpy; ids are in ``0 .. vocab_size - 1``.

A cache holds one or more rows (sequences) of equal length. Each of its tokens has a position,
which picks the position embedding, and is visible or hidden:

* Hidden tokens are given once, by ``key_mask`` when they are read. No later token attends to them.
* Skipped tokens are not read at all: leave them out of ``ids`` and say by ``positions`` where the
  others stand. For the visible tokens both ways are the same mathematics; skipping is cheaper.
* Rows of different lengths are padded on the left with hidden tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

#: Token ids or positions: ``(tokens,)``, shared by all rows, or ``(rows, tokens)``.
Ints: TypeAlias = Sequence[int] | Sequence[Sequence[int]] | NDArray[np.integer]
#: True = visible; ``(tokens,)`` or ``(rows, tokens)``.
Flags: TypeAlias = Sequence[bool] | Sequence[Sequence[bool]] | NDArray[np.bool_]
#: Float32 logits, before temperature and masks.
Logits: TypeAlias = NDArray[np.float32]


@runtime_checkable
class Cache(Protocol):
    """What a model remembers of the tokens it has read. Belongs to the model that made it."""

    @property
    def rows(self) -> int:
        """Number of sequences, at least 1."""

    @property
    def length(self) -> int:
        """Tokens held per row, hidden ones included."""

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens, as if the others had never been read.

        Raises:
            ValueError: ``length`` outside ``0 .. self.length``.
        """

    def select(self, rows: Sequence[int]) -> Cache:
        """Copy the given rows into a new cache: ``[0, 0, 0]`` forks, ``[0, 2]`` drops row 1.

        Raises:
            ValueError: no row, or a row outside ``0 .. self.rows - 1``.
        """


@runtime_checkable
class LanguageModel(Protocol):
    """An autoregressive model over token ids.

    ``prefill``, ``score`` and ``step`` append to the cache. If one raises, the cache keeps the
    length it had. All raise ValueError for: no ids, an id or position out of range, shapes that do
    not fit the cache's rows, or more than ``n_positions`` tokens in the cache; and TypeError for a
    cache of another kind of model.
    """

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""

    @property
    def n_positions(self) -> int:
        """Context length: positions are ``0 .. n_positions - 1``."""

    def new_cache(self, batch: int = 1) -> Cache:
        """Return an empty cache of ``batch`` rows; ValueError if ``batch`` < 1."""

    def prefill(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Read one or more tokens.

        Args:
            ids: the tokens to append.
            cache: what was read before.
            positions: of these tokens; by default they continue each row's newest position.
            key_mask: False hides a token from every later one, and from itself, now and for as
                long as it stays in the cache. A token that sees nothing gets attention output 0.

        Returns:
            Logits after the last token, ``(rows, vocab_size)``.
        """

    def step(self, ids: Ints, cache: Cache, position: int | None = None) -> Logits:
        """Read one token per row, ``ids`` of shape ``(rows,)``, at ``position`` in every row.

        Returns:
            Logits after it, ``(rows, vocab_size)``.
        """

    def score(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Do as ``prefill``, but return the logits after every token: ``(rows, tokens, vocab)``."""


@runtime_checkable
class AttentionProbe(Protocol):
    """A model that can say what its last token looks at (used to fit long prompts)."""

    def last_attention(self, ids: Ints) -> NDArray[np.float32]:
        """Attention weights of the last of ``ids``, mean over heads: ``(layers, len(ids))``.

        Each row sums to 1. Raises ValueError as :meth:`LanguageModel.prefill`.
        """
