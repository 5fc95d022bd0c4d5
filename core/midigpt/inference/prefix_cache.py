"""What was read for one prompt, kept for the next: only what differs is read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from midigpt import _native
from midigpt.inference.model.native import NativeModel
from midigpt.inference.prefill import PromptTokens


class PrefixCache:
    """Cached sequences of a native model, most recently used last; of one caller, such as an agent.

    Belongs to one thread at a time. Sessions that overlap get different sequences.

    Args:
        size: sequences kept, at least 1. A session takes as many as its steps have prompts that
            begin differently.
    """

    def __init__(self, size: int = 2) -> None:
        if size < 1:
            raise ValueError(f"size is {size}; at least 1 is wanted")
        self._size = size
        self._owner: _native.Transformer | None = None
        self._sequences: list[_native.CachedSequence] = []

    @contextmanager
    def lend(self, model: NativeModel, prompt: PromptTokens) -> Iterator[_native.CachedSequence]:
        """Lend the sequence that shares most with the prompt; it comes back with what was read."""
        if self._owner is not model.transformer:
            self._owner, self._sequences = model.transformer, []
        sequence = self._best(model, prompt)
        try:
            yield sequence
        finally:
            if self._owner is model.transformer:
                self._sequences = [*self._sequences, sequence][-self._size :]

    def _best(self, model: NativeModel, prompt: PromptTokens) -> _native.CachedSequence:
        shared = [
            sequence.shared_prefix(prompt.ids, prompt.positions, prompt.shown)
            for sequence in self._sequences
        ]
        best = max(range(len(shared)), key=shared.__getitem__, default=0)
        if shared and 2 * shared[best] >= len(prompt.ids):
            return self._sequences.pop(best)
        if len(shared) < self._size:
            return model.transformer.new_sequence()
        return self._sequences.pop(0)
