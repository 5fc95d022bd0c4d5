"""Text to music in PyTorch: the reference for the native engine, and the way to a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from midigpt import _native, events
from midigpt.compose.backend import Batch, Progress, Sampling, context_for, written_in
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.model.llama import LlamaLMHeadModel
from midigpt.inference.model.llama_folder import open_llama
from midigpt.inference.model.transformer_lm import resolve_device


class TorchBackend:
    """A :class:`midigpt.compose.backend.Backend` over any language model of the interface."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    @classmethod
    def open(cls, folder: Path, max_tokens: int) -> TorchBackend:
        """Load a folder on the first device of CUDA, MPS and CPU; raises as ``from_folder``."""
        room = context_for(open_llama(folder).config.n_positions, max_tokens)
        device = resolve_device("auto")
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        return cls(LlamaLMHeadModel.from_folder(folder, room, device, dtype))

    @property
    def context(self) -> int:
        """Positions of the model, or as many as there is room for."""
        return self.model.n_positions

    def generate(
        self,
        prompt: Sequence[int],
        first_event: int,
        seeds: Sequence[int],
        sampling: Sampling,
        progress: Progress,
    ) -> Batch:
        """Write one piece for each seed; see :meth:`Backend.generate`.

        The pieces stay of one length: one that has ended is fed rests until the others have.
        """
        most = sampling.within(self.model.n_positions - len(prompt))
        read = self.model.new_cache()
        logits = np.repeat(self.model.prefill(list(prompt), read), len(seeds), axis=0)
        cache = read.select([0] * len(seeds))
        before, bias = written_in(prompt, first_event), sampling.note_bias()
        pieces = [_Piece(sampling.sampler(seed), before, bias) for seed in seeds]
        stopped = False
        try:
            for written in range(1, most + 1):
                for piece, row in zip(pieces, logits, strict=True):
                    piece.draw(row[first_event:])
                if all(piece.ended for piece in pieces):
                    break
                seconds = [piece.grammar.time / events.TICKS_PER_SECOND for piece in pieces]
                progress(float(np.mean(seconds)), written / most)
                if written < most:
                    newest = [first_event + piece.newest for piece in pieces]
                    logits = self.model.step(newest, cache)
        except KeyboardInterrupt:
            stopped = True
        return Batch([piece.ids for piece in pieces], stopped)


class _Piece:
    def __init__(
        self, sampler: _native.SliceSampler, before: Sequence[int], note_bias: NDArray[np.float32]
    ) -> None:
        self.grammar = _native.EventGrammar()
        for token in before:
            self.grammar.advance(token)
        self.ids: list[int] = []
        self.ended = False
        self._sampler, self._note_bias = sampler, note_bias

    def draw(self, logits: np.ndarray) -> None:
        """Write the next id, or end."""
        if self.ended:
            return
        if self.grammar.slot == 2 and len(self._note_bias):
            logits = logits.copy()
            logits[events.NOTE_OFFSET : events.REST] += self._note_bias
        chosen = self._sampler.draw(np.ascontiguousarray(logits), self.grammar.legal)
        if chosen < 0 or (self.grammar.slot == 0 and chosen >= events.TIMES - 1):
            self.ended = True
            return
        self.grammar.advance(chosen)
        self.ids.append(chosen)

    @property
    def newest(self) -> int:
        return events.REST if self.ended else self.ids[-1]
