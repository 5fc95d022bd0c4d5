"""The native engine behind the language-model interface: CPU only, free of PyTorch."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt import _native
from midigpt.inference.model.checkpoint import read_checkpoint_header
from midigpt.inference.model.gpt2_config import GPT2Config
from midigpt.inference.model.interface import Cache, Flags, Ints, Logits

#: float32 is the reference; int8 has one scale per output row and rounds activations per token.
Weights: TypeAlias = Literal["int8", "bfloat16", "float32"]

_WEIGHT_TYPES: dict[str, _native.WeightType] = {
    "int8": _native.WeightType.INT8,
    "bfloat16": _native.WeightType.BFLOAT16,
    "float32": _native.WeightType.FLOAT32,
}
_CACHE_TYPES: dict[str, _native.CacheType] = {
    "float32": _native.CacheType.FLOAT32,
    "bfloat16": _native.CacheType.FLOAT16,
    "int8": _native.CacheType.INT8,
}


class NativeCache:
    """A :class:`midigpt.inference.model.interface.Cache` of the engine's sequences."""

    def __init__(self, owner: _native.Transformer, sequences: list[_native.CachedSequence]) -> None:
        self.owner = owner
        self.sequences = sequences

    @property
    def rows(self) -> int:
        """Number of sequences."""
        return len(self.sequences)

    @property
    def length(self) -> int:
        """Tokens held per row."""
        return self.sequences[0].length

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        for sequence in self.sequences:
            sequence.cut(length)

    def select(self, rows: Sequence[int]) -> NativeCache:
        """Copy the given rows into a new cache."""
        if not rows or not all(0 <= row < self.rows for row in rows):
            raise ValueError(f"rows is {list(rows)}; at least one of 0..{self.rows - 1} is wanted")
        return NativeCache(self.owner, [self.sequences[row].copy() for row in rows])


class NativeModel:
    """A :class:`midigpt.inference.model.interface.LanguageModel` that runs in compiled code.

    Calls release the GIL; calls from several threads take turns.
    """

    def __init__(self, transformer: _native.Transformer) -> None:
        self.transformer = transformer
        shape = transformer.shape
        self.vocab_size: int = shape.vocab_size
        self.n_positions: int = shape.n_positions

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        weights: Weights = "int8",
        threads: int | None = None,
        cache_directory: str | os.PathLike[str] | None = None,
    ) -> NativeModel:
        """Load a GPT-2 checkpoint of format 2 (``.safetensors``).

        Args:
            path: the file.
            weights: type of the matrices in memory; the key-value cache is of the same type,
                float16 with "bfloat16".
            threads: at least 1; None takes one per processor, at most 8.
            cache_directory: where the packed weights are kept; None is the user's cache directory.

        Raises:
            ValueError: a value is out of range; or, as CheckpointError, the file is damaged, of
                another version, or of another architecture than "gpt2".
            OSError: the file cannot be read.
        """
        header = read_checkpoint_header(path)
        if header.arch != "gpt2":
            raise ValueError(f"{path} has arch {header.arch!r}; 'gpt2' is wanted")
        return cls.from_files([path], gpt2_shape(header.config), weights, threads, cache_directory)

    @classmethod
    def from_files(
        cls,
        files: Sequence[str | os.PathLike[str]],
        shape: _native.ModelShape,
        weights: Weights = "int8",
        threads: int | None = None,
        cache_directory: str | os.PathLike[str] | None = None,
    ) -> NativeModel:
        """Load the tensors of one or several safetensors files, named as by Hugging Face.

        Raises:
            ValueError: a value is out of range.
            RuntimeError: a file is damaged or cannot be read; a tensor is missing or misshapen.
        """
        if weights not in _WEIGHT_TYPES:
            raise ValueError(f"weights is {weights!r}; one of {sorted(_WEIGHT_TYPES)} is wanted")
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; at least 1 is wanted")
        exact = weights == "float32"
        directory = default_cache_directory() if cache_directory is None else Path(cache_directory)
        return cls(
            _native.Transformer(
                shape,
                [os.fspath(file) for file in files],
                weights=_WEIGHT_TYPES[weights],
                cache=_CACHE_TYPES[weights],
                threads=threads or 0,
                cache_directory="" if exact else str(directory),
            )
        )

    def new_cache(self, batch: int = 1) -> NativeCache:
        """Return an empty cache of ``batch`` rows."""
        if batch < 1:
            raise ValueError(f"batch is {batch}; at least 1 is wanted")
        return NativeCache(
            self.transformer, [self.transformer.new_sequence() for _ in range(batch)]
        )

    def prefill(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Read tokens; return the logits after the last, ``(rows, vocab_size)``."""
        return self._read(ids, cache, positions, key_mask, every=False)

    def score(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None = None,
        key_mask: Flags | None = None,
    ) -> Logits:
        """Read tokens; return the logits after each, ``(rows, tokens, vocab_size)``."""
        logits = self._read(ids, cache, positions, key_mask, every=True)
        return logits.reshape(cache.rows, -1, self.vocab_size)

    def step(self, ids: Ints, cache: Cache, position: int | None = None) -> Logits:
        """Read one token per row; return the logits after it, ``(rows, vocab_size)``."""
        column = np.asarray(ids).reshape(-1, 1)
        if len(column) != cache.rows:
            raise ValueError(f"ids has {len(column)} tokens; one per row, {cache.rows}, is wanted")
        return self._read(
            column, cache, None if position is None else [position], None, every=False
        )

    def last_attention(self, ids: Ints) -> NDArray[np.float32]:
        """Attention weights of the last token, mean over heads: ``(layers, tokens)``."""
        return self.transformer.last_attention(_rows("ids", ids, 1, self.vocab_size)[0])

    def _read(
        self,
        ids: Ints,
        cache: Cache,
        positions: Ints | None,
        key_mask: Flags | None,
        every: bool,
    ) -> Logits:
        if not isinstance(cache, NativeCache) or cache.owner is not self.transformer:
            raise TypeError(f"cache is {cache!r}; one made by this model's new_cache() is wanted")
        rows = cache.rows
        where = None if positions is None else _rows("positions", positions, rows, self.n_positions)
        logits = self.transformer.forward(
            cache.sequences,
            list(_rows("ids", ids, rows, self.vocab_size)),
            None if where is None else list(where),
            None if key_mask is None else list(_flags(key_mask, rows)),
            every,
        )
        assert logits is not None  # there is no flag to cancel it
        return logits


def gpt2_shape(config: Mapping[str, Any]) -> _native.ModelShape:
    """Sizes of a GPT-2 for the engine; ValueError as :class:`GPT2Config`."""
    sizes = GPT2Config.from_dict(config)
    return _native.ModelShape(
        family=_native.Family.GPT2,
        vocab_size=sizes.vocab_size,
        n_positions=sizes.n_positions,
        width=sizes.n_embd,
        inner=4 * sizes.n_embd,
        n_layer=sizes.n_layer,
        n_head=sizes.n_head,
        n_kv_head=sizes.n_head,
        head_size=sizes.head_dim,
    )


def default_cache_directory() -> Path:
    """The user's directory for files that can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "midigpt-live" / "weights"


def _rows(name: str, values: Ints, rows: int, end: int) -> NDArray[np.int32]:
    """Bring ids or positions, all in ``0 .. end - 1``, to ``(rows, tokens)``."""
    array = np.asarray(values)
    if array.ndim not in (1, 2) or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} has shape {array.shape} and type {array.dtype}; "
            "integers of shape (tokens,) or (rows, tokens) are wanted, at least one token"
        )
    if array.ndim == 2 and len(array) != rows:
        raise ValueError(f"{name} has {len(array)} rows; the cache has {rows}")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= end:
        raise ValueError(f"{name} contains {low if low < 0 else high}; 0..{end - 1} is the range")
    return np.array(np.broadcast_to(array, (rows, array.shape[-1])), dtype=np.int32)


def _flags(key_mask: Flags, rows: int) -> NDArray[np.bool_]:
    mask = np.asarray(key_mask)
    if mask.dtype != np.bool_ or mask.ndim not in (1, 2) or (mask.ndim == 2 and len(mask) != rows):
        raise ValueError(
            f"key_mask has shape {mask.shape} and type {mask.dtype}; "
            f"booleans of shape (tokens,) or ({rows}, tokens) are wanted"
        )
    return np.array(np.broadcast_to(mask, (rows, mask.shape[-1])))
