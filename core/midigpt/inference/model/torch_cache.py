"""Keys and values of the tokens a PyTorch model has read, in buffers allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class CacheShape:
    """Sizes of a cache: ``capacity`` is the largest number of tokens per row."""

    layers: int
    heads: int
    head_dim: int
    capacity: int


class TorchCache:
    """A :class:`midigpt.inference.model.interface.Cache` of tensors.

    Memory is reserved for ``capacity`` tokens; the operating system commits it as it fills.
    """

    def __init__(
        self, shape: CacheShape, rows: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        size = (rows, shape.heads, shape.capacity, shape.head_dim)
        self.shape = shape
        self.device = device
        self._rows = rows
        self._length = 0
        self._keys = [torch.empty(size, dtype=dtype, device=device) for _ in range(shape.layers)]
        self._values = [torch.empty(size, dtype=dtype, device=device) for _ in range(shape.layers)]
        self._positions = np.zeros((rows, shape.capacity), dtype=np.int64)
        self._visible = np.ones((rows, shape.capacity), dtype=np.bool_)
        self._any_hidden = False

    @property
    def rows(self) -> int:
        """Number of sequences."""
        return self._rows

    @property
    def length(self) -> int:
        """Tokens held per row."""
        return self._length

    @property
    def next_positions(self) -> NDArray[np.int64]:
        """The position after each row's newest one, ``(rows,)``."""
        if self._length == 0:
            return np.zeros(self._rows, dtype=np.int64)
        return self._positions[:, self._length - 1] + 1

    @property
    def past(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Keys and values per layer, ``(rows, heads, length, head_dim)``; views, not copies."""
        kept = slice(0, self._length)
        return tuple(
            (k[:, :, kept], v[:, :, kept]) for k, v in zip(self._keys, self._values, strict=True)
        )

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put new keys and values behind the old; return all of them. :meth:`commit` keeps them."""
        begin, end = self._length, self._length + keys.shape[2]
        all_keys, all_values = self._keys[layer], self._values[layer]
        all_keys[:, :, begin:end] = keys
        all_values[:, :, begin:end] = values
        return all_keys[:, :, :end], all_values[:, :, :end]

    def key_mask(self, visible: NDArray[np.bool_] | None, tokens: int) -> NDArray[np.bool_] | None:
        """Visibility of all tokens once ``tokens`` more are read, ``(rows, length + tokens)``.

        None stands for "all visible".
        """
        if visible is None and not self._any_hidden:
            return None
        mask: NDArray[np.bool_] = self._visible[:, : self._length + tokens].copy()
        mask[:, self._length :] = True if visible is None else visible
        return mask

    def commit(self, positions: NDArray[np.int64], visible: NDArray[np.bool_] | None) -> None:
        """Count the tokens last written as read."""
        begin, end = self._length, self._length + positions.shape[1]
        self._positions[:, begin:end] = positions
        self._visible[:, begin:end] = True if visible is None else visible
        self._any_hidden |= visible is not None and not bool(visible.all())
        self._length = end

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        if not 0 <= length <= self._length:
            raise ValueError(f"length is {length}; the cache holds 0..{self._length}")
        self._length = length
        self._any_hidden = not bool(self._visible[:, :length].all())

    def select(self, rows: Sequence[int]) -> TorchCache:
        """Copy the given rows into a new cache."""
        if not rows or not all(0 <= row < self._rows for row in rows):
            raise ValueError(f"rows is {list(rows)}; at least one of 0..{self._rows - 1} is wanted")
        picked = list(rows)
        keys = self._keys[0]
        copy = TorchCache(self.shape, len(picked), keys.dtype, keys.device)
        with torch.inference_mode():
            for layer, (k, v) in enumerate(self.past):
                copy.write(layer, k[picked], v[picked])
        kept = slice(0, self._length)
        copy.commit(self._positions[picked, kept], self._visible[picked, kept])
        return copy
