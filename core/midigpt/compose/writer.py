"""From a description to pieces: what it says becomes a prompt, and what the pieces are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from midigpt.compose.backend import Backend, Batch, Progress, Sampling
from midigpt.compose.key import key_named
from midigpt.compose.prompt import Prompter
from midigpt.compose.tempo import at_known_tempo, known_tempo, stretched
from midigpt.inference.model.llama_folder import open_llama


class Writer:
    """A model that is ready to write what descriptions ask for.

    Args:
        folder: of the model; raises as :meth:`Prompter.from_folder`, :func:`known_tempo`.
        backend: that runs it.
    """

    def __init__(self, folder: Path, backend: Backend) -> None:
        self._prompter = Prompter.from_folder(folder, open_llama(folder).config.vocab_size)
        self._known_tempo = known_tempo(folder)
        self._backend = backend

    def write(
        self, description: str, seeds: Sequence[int], sampling: Sampling, progress: Progress
    ) -> Batch:
        """One piece for each seed; see :meth:`Backend.generate`.

        Raises:
            ValueError: the description is empty, or leaves no room for an event.
        """
        held = sampling.hold_tempo
        known = self._known_tempo if held is None else held
        text, times_as_long = at_known_tempo(description, known)
        batch = self._backend.generate(
            self._prompter.encode(text),
            self._prompter.first_event,
            seeds,
            replace(sampling, key=key_named(description)),
            lambda seconds, share: progress(seconds * times_as_long, share),
        )
        if times_as_long == 1:
            return batch
        return Batch([stretched(piece, times_as_long) for piece in batch.pieces], batch.stopped)
