"""Gives a prompt to a model, without the bars that are hidden from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from midigpt.inference.model.interface import Cache, LanguageModel, Logits

#: Tokens read at once when somebody may want to cancel.
CHUNK = 256


def prefill(
    model: LanguageModel,
    cache: Cache,
    tokens: Sequence[int],
    hidden_spans: Sequence[tuple[int, int]],
    mask_mode: str,
    poll: Callable[[], None] | None = None,
) -> Logits:
    """Read a prompt into an empty cache.

    Args:
        model: the language model.
        cache: of the model, empty.
        tokens: the prompt.
        hidden_spans: half-open ranges of ``tokens`` to hide.
        mask_mode: "attention_skip" leaves hidden tokens out, while the others keep their
            positions; all other modes read them and mask their keys, for every later token.
            Both give the same logits. ("attention_approx" of MIDI-GPT 0.4.2 overwrote the keys,
            which does not hide them reliably; here it is "attention". Defect tag D4.)
        poll: called between chunks; may raise to stop.

    Returns:
        Logits after the prompt, ``(rows of the cache, vocabulary size)``.
    """
    ids = np.asarray(tokens, dtype=np.int64)
    positions = np.arange(len(ids))
    visible = np.ones(len(ids), dtype=np.bool_)
    for begin, end in hidden_spans:
        visible[begin:end] = False
    if mask_mode == "attention_skip":
        ids, positions = ids[visible], positions[visible]
        visible = np.ones(len(ids), dtype=np.bool_)
    size = len(ids) if poll is None else CHUNK
    for begin in range(0, len(ids), size):
        if poll is not None:
            poll()
        part = slice(begin, begin + size)
        mask = None if visible.all() else visible[part]
        logits = model.prefill(ids[part], cache, positions[part], mask)
    return logits
