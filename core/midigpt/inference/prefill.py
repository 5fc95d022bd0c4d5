"""What a model reads of a prompt: the tokens, without the bars that are hidden from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from midigpt.inference.model.interface import Cache, LanguageModel, Logits

#: Tokens read at once when somebody may want to pause or cancel.
CHUNK = 256


@dataclass(frozen=True)
class PromptTokens:
    """Ids, their positions, and whether later tokens see them; one entry per token to be read."""

    ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    shown: NDArray[np.bool_]

    @classmethod
    def of(
        cls, tokens: Sequence[int], hidden_spans: Sequence[tuple[int, int]], mask_mode: str
    ) -> PromptTokens:
        """Lay a prompt out for a model.

        Args:
            tokens: the prompt.
            hidden_spans: half-open ranges of ``tokens`` to hide.
            mask_mode: "attention_skip" leaves hidden tokens out, while the others keep their
                positions; all other modes read them and mask their keys, for every later token.
                Both give the same logits. ("attention_approx" of MIDI-GPT 0.4.2 overwrote the keys,
                which does not hide them reliably; here it is "attention". Defect tag D4.)
        """
        ids = np.asarray(tokens, dtype=np.int32)
        positions = np.arange(len(ids), dtype=np.int32)
        shown = np.ones(len(ids), dtype=np.bool_)
        for begin, end in hidden_spans:
            shown[begin:end] = False
        if mask_mode == "attention_skip":
            ids, positions = ids[shown], positions[shown]
            shown = np.ones(len(ids), dtype=np.bool_)
        return cls(ids, positions, shown)

    def after(self, count: int) -> PromptTokens:
        """Without the first ``count`` tokens."""
        return PromptTokens(self.ids[count:], self.positions[count:], self.shown[count:])


def prefill(
    model: LanguageModel, cache: Cache, prompt: PromptTokens, size: int
) -> Iterator[Logits]:
    """Read what is left of a prompt, at least one token, ``size`` tokens at once.

    Yields:
        Logits after each chunk, ``(rows of the cache, vocabulary size)``.
    """
    for begin in range(0, len(prompt.ids), size):
        part = slice(begin, begin + size)
        mask = None if prompt.shown.all() else prompt.shown[part]
        yield model.prefill(prompt.ids[part], cache, prompt.positions[part], mask)
