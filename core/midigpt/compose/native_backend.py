"""Text to music on the native engine: int8 on the CPU, only the legal rows of the head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from midigpt import _native, events
from midigpt.compose.backend import Batch, Progress, Sampling, context_for, written_in
from midigpt.inference.model.interface import Logits
from midigpt.inference.model.llama_folder import open_llama
from midigpt.inference.model.native import NativeModel
from midigpt.inference.model.native_llama import load_llama

#: Ids between two looks at Ctrl-C and the progress bar: one event.
_BURST = events.IDS_PER_EVENT


class NativeBackend:
    """A :class:`midigpt.compose.backend.Backend` in compiled code."""

    def __init__(self, model: NativeModel) -> None:
        self.model = model
        self._read = model.new_cache()  # the latest prompt: the next one begins with the same words

    @classmethod
    def open(cls, folder: Path, max_tokens: int) -> NativeBackend:
        """Load a folder; raises as :func:`load_llama`."""
        room = context_for(open_llama(folder).config.n_positions, max_tokens)
        return cls(load_llama(folder, room))

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
        """Write one piece for each seed; see :meth:`Backend.generate`."""
        most = sampling.within(self.model.n_positions - len(prompt))
        logits = self._prefill(prompt)
        cache = self._read.select([0] * len(seeds))
        loop = _native.EventLoop(
            transformer=self.model.transformer,
            sequences=cache.sequences,
            samplers=[sampling.sampler(seed) for seed in seeds],
            logits=logits[0],
            first_id=first_event,
            most_ids=most,
            end=events.TIMES - 1,
            before=written_in(prompt, first_event),
            note_bias=sampling.note_bias().tolist(),
        )
        stopped = False
        written = 0
        try:
            while loop.run(_BURST):
                written += _BURST
                times = loop.times
                progress(sum(times) / len(times) / events.TICKS_PER_SECOND, written / most)
        except KeyboardInterrupt:
            stopped = True
        return Batch([loop.ids(piece) for piece in range(len(seeds))], stopped)

    def _prefill(self, prompt: Sequence[int]) -> Logits:
        """Read what the prompt does not share with the one before it."""
        shared = self._read.sequences[0].shared_prefix(np.asarray(prompt, dtype=np.int32))
        self._read.truncate(min(shared, len(prompt) - 1))
        return self.model.prefill(prompt[self._read.length :], self._read)
