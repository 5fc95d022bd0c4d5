"""Base of the PyTorch models: input checks, the cache, and the interface of MIDI-GPT 0.4.2."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from midigpt.encoder_config import EncoderConfig
from midigpt.inference.model.interface import Cache, Flags, Ints, Logits
from midigpt.inference.model.torch_cache import CacheShape, TorchCache

if TYPE_CHECKING:
    from typing_extensions import Self

#: Keys and values per layer, each ``(batch, heads, length, head_dim)``.
PastKV: TypeAlias = tuple[tuple[Tensor, Tensor], ...]


class TransformerLMBase(nn.Module):
    """A :class:`midigpt.inference.model.interface.LanguageModel` made of PyTorch modules.

    A subclass gives ``vocab_size``, ``cache_shape`` and ``forward``; it may override ``extend``.
    To be stored in checkpoints it is registered and gives ``config`` and ``from_config``.
    """

    @property
    def config(self) -> dict[str, Any]:
        """The sizes, as a checkpoint stores them."""
        raise NotImplementedError(f"{type(self).__name__} cannot be stored")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build a model of these sizes; ValueError if one is unusable."""
        raise NotImplementedError(f"{cls.__name__} cannot be built from a configuration")

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Number of token ids."""

    @property
    @abstractmethod
    def cache_shape(self) -> CacheShape:
        """Sizes of the cache; its capacity is the context length."""

    @abstractmethod
    def forward(
        self,
        input_ids: Tensor,
        past_kv: PastKV | None = None,
        key_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, PastKV]:
        """Compute the logits of a block that follows ``past_kv`` (interface of MIDI-GPT 0.4.2).

        Args:
            input_ids: ``(batch, tokens)``.
            past_kv: what an earlier call returned; None at the start.
            key_mask: True = visible, over past and new tokens: ``(length,)``, ``(1, length)`` or
                ``(batch, length)``.
            position_ids: ``(tokens,)`` or ``(batch, tokens)``; by default they continue the past.

        Returns:
            Logits ``(batch, tokens, vocab_size)``, and keys and values of all tokens.
        """

    def extend(
        self,
        ids: Tensor,
        cache: TorchCache,
        positions: Tensor,
        key_mask: Tensor | None,
        last_only: bool,
    ) -> Tensor:
        """Read ``(rows, tokens)`` ids, write the cache, return logits of the last or all tokens."""
        past = cache.past if cache.length else self.make_empty_kv(cache.rows)
        logits, presents = self(ids, past, key_mask, positions)
        for layer, (keys, values) in enumerate(presents):
            cache.write(layer, keys[:, :, cache.length :], values[:, :, cache.length :])
        wanted: Tensor = logits[:, -1:] if last_only else logits
        return wanted

    @property
    def n_positions(self) -> int:
        """Context length in tokens."""
        return self.cache_shape.capacity

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the parameters, and of the cache."""
        return next(self.parameters()).dtype

    def new_cache(self, batch: int = 1) -> TorchCache:
        """Return an empty cache of ``batch`` rows."""
        if batch < 1:
            raise ValueError(f"batch is {batch}; at least 1 is wanted")
        with torch.inference_mode():
            return TorchCache(self.cache_shape, batch, self.dtype, self.device)

    def prefill(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Read tokens; return the logits after the last, ``(rows, vocab_size)``."""
        return self._read(ids, cache, positions, key_mask, last_only=True)[:, 0]

    def score(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Read tokens; return the logits after each, ``(rows, tokens, vocab_size)``."""
        return self._read(ids, cache, positions, key_mask, last_only=False)

    def step(self, ids: Ints, cache: Cache, position: int | None = None) -> Logits:
        """Read one token per row; return the logits after it, ``(rows, vocab_size)``."""
        column = np.asarray(ids).reshape(-1, 1)
        if len(column) != cache.rows:
            raise ValueError(f"ids has {len(column)} tokens; one per row, {cache.rows}, is wanted")
        positions = None if position is None else [position]
        return self._read(column, cache, positions, None, last_only=True)[:, 0]

    @torch.inference_mode()
    def _read(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None,
        key_mask: Flags | None,
        last_only: bool,
    ) -> Logits:
        if not isinstance(cache, TorchCache) or cache.shape != self.cache_shape:
            raise TypeError(f"cache is {cache!r}; one made by this model's new_cache() is wanted")
        tokens = _in_range("ids", _rows("ids", ids, cache.rows), self.vocab_size)
        count = tokens.shape[1]
        if cache.length + count > self.n_positions:
            raise ValueError(
                f"ids has {count} tokens after {cache.length} in the cache; "
                f"the context holds {self.n_positions}"
            )
        where = _positions(positions, cache, count, self.n_positions)
        visible = None if key_mask is None else _visible(key_mask, cache.rows, count)
        mask = cache.key_mask(visible, count)
        logits = self.extend(
            torch.from_numpy(tokens).to(cache.device),
            cache,
            torch.from_numpy(where).to(cache.device),
            None if mask is None else torch.from_numpy(mask).to(cache.device),
            last_only,
        )
        cache.commit(where, visible)
        result: Logits = logits.float().cpu().numpy()
        return result

    # The rest is the interface of MIDI-GPT 0.4.2, kept for scripts written for it.

    def max_context(self) -> int:
        """Return the context length in tokens."""
        return self.n_positions

    def make_empty_kv(self, batch: int = 1) -> PastKV:
        """Return keys and values of no tokens, for ``past_kv``."""
        shape = self.cache_shape
        size = (batch, shape.heads, 0, shape.head_dim)
        empty = torch.empty(size, dtype=self.dtype, device=self.device)
        return tuple((empty, empty) for _ in range(shape.layers))

    def kv_length(self, past_kv: PastKV | None) -> int:
        """Return the number of tokens in ``past_kv``."""
        return past_kv[0][0].shape[2] if past_kv else 0

    def kv_null_positions(self, past_kv: PastKV, spans: Sequence[tuple[int, int]]) -> None:
        """Overwrite the tokens of the spans (begin, end), in place: keys -10000, values 0.

        This does not hide them reliably (defect tag D4); a key mask does.
        """
        with torch.no_grad():
            for keys, values in past_kv:
                for begin, end in spans:
                    keys[:, :, begin:end] = -10000.0
                    values[:, :, begin:end] = 0.0

    def forward_with_hooks(
        self, input_ids: Tensor, past_kv: PastKV | None, hooks: Mapping[str, Callable[..., Any]]
    ) -> tuple[Tensor, PastKV, dict[str, list[Tensor]]]:
        """Do as ``forward``, calling hooks on the way, if the architecture can."""
        raise NotImplementedError(f"{type(self).__name__} has no hooks")

    @staticmethod
    def from_pretrained(
        path: str | os.PathLike[str],
        device: str | torch.device | None = "cpu",
        dtype: torch.dtype | None = None,
    ) -> TransformerLMBase:
        """Load a packed checkpoint (``.safetensors`` or ``.pt``) in ``dtype``, by default float32.

        Raises as :func:`midigpt.inference.model.checkpoint.load_checkpoint`.
        """
        from midigpt.inference.model.torch_checkpoint import load_packed

        return load_packed(path, device, dtype).model

    def save_pretrained(
        self,
        path: str | os.PathLike[str],
        encoder_config: EncoderConfig | dict[str, Any] | str | None = None,
    ) -> None:
        """Write a checkpoint of format 2; see :func:`torch_checkpoint.save_checkpoint`."""
        from midigpt.inference.model.torch_checkpoint import save_checkpoint

        save_checkpoint(self, path, encoder_config)


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Choose a device: None is the CPU; "auto" is the first available of CUDA, MPS and CPU.

    Raises:
        RuntimeError: the device is unknown or not available on this machine.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device is None:
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError:
        raise RuntimeError(f"device is {device!r}; auto, cpu, cuda or mps is wanted") from None
    if (wanted.type == "cuda" and not cuda) or (wanted.type == "mps" and not mps):
        raise RuntimeError(f"device is {device!r}, which is not available on this machine")
    return wanted


def _rows(name: str, values: Ints, rows: int) -> NDArray[np.int64]:
    """Bring ids or positions to ``(rows, tokens)``."""
    array = np.asarray(values)
    if array.ndim not in (1, 2) or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} has shape {array.shape} and type {array.dtype}; "
            "integers of shape (tokens,) or (rows, tokens) are wanted, at least one token"
        )
    if array.ndim == 2 and array.shape[0] != rows:
        raise ValueError(f"{name} has {array.shape[0]} rows; the cache has {rows}")
    if array.ndim == 1:
        array = np.tile(array, (rows, 1))
    return np.array(array, dtype=np.int64)


def _in_range(name: str, values: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= end:
        raise ValueError(f"{name} contains {low if low < 0 else high}; 0..{end - 1} is the range")
    return values


def _positions(
    positions: Ints | None, cache: TorchCache, count: int, end: int
) -> NDArray[np.int64]:
    if positions is None:
        where = cache.next_positions[:, None] + np.arange(count)
    else:
        where = _rows("positions", positions, cache.rows)
        if where.shape[1] != count:
            raise ValueError(f"positions has {where.shape[1]} entries for {count} tokens")
    return _in_range("positions", where, end)


def _visible(key_mask: Flags, rows: int, count: int) -> NDArray[np.bool_]:
    mask = np.asarray(key_mask)
    if mask.dtype != np.bool_ or mask.shape not in ((count,), (rows, count)):
        raise ValueError(
            f"key_mask has shape {mask.shape} and type {mask.dtype}; "
            f"booleans of shape ({count},) or ({rows}, {count}) are wanted"
        )
    return np.broadcast_to(mask, (rows, count))
