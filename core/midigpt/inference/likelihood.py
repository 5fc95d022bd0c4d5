"""How likely a model finds given tokens after a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.prompt import StepPrompt
from midigpt.tokenizer.vocabulary import Vocabulary


def score_tokens(
    model: LanguageModel, prompt: StepPrompt, tokens: Sequence[int], vocabulary: Vocabulary
) -> dict[str, Any]:
    """Natural logarithms of the probabilities of ``tokens``, each given all before it.

    Probabilities are those of the legal tokens at temperature 1; an illegal token, and any after
    the step is complete, has -inf.

    Returns:
        ``{"log_probs": [float], "total_logp": float, "n_tokens": int,
        "per_type": {type: {"mean", "sum", "n"}}}``

    Raises:
        ValueError: a token id outside the vocabulary.
    """
    for token in tokens:
        if not 0 <= token < vocabulary.size():
            raise ValueError(f"token_ids holds {token}; 0..{vocabulary.size() - 1} is wanted")
    log_probs: list[float] = []
    by_type: dict[str, list[float]] = {}
    logits = _logits(model, prompt, tokens)
    state = prompt.state.copy()
    for token, row in zip(tokens, logits, strict=True):
        value = -np.inf
        if not state.complete():
            value = _log_probability(row, state.logit_mask_view().astype(np.bool_), token)
            state.advance(token)
        log_probs.append(float(value))
        by_type.setdefault(vocabulary.get_type(token).name, []).append(float(value))
    return {
        "log_probs": log_probs,
        "total_logp": float(sum(log_probs)),
        "n_tokens": len(log_probs),
        "per_type": {
            name: {"mean": float(np.mean(values)), "sum": float(sum(values)), "n": len(values)}
            for name, values in by_type.items()
        },
    }


def _logits(model: LanguageModel, prompt: StepPrompt, tokens: Sequence[int]) -> NDArray[np.float32]:
    """Logits before each of ``tokens``, ``(tokens, vocabulary size)``.

    What exceeds the context is read in windows of its length that overlap by half.
    """
    ids = np.asarray([*prompt.tokens, *tokens], dtype=np.int64)[:-1]
    visible = np.ones(len(ids), dtype=np.bool_)
    for begin, end in prompt.hidden_spans:
        visible[begin:end] = False
    first = len(prompt.tokens) - 1
    found = np.empty((len(tokens), model.vocab_size), dtype=np.float32)
    filled = 0
    for start in range(0, len(ids), max(1, model.n_positions // 2)):
        if filled == len(tokens):
            break
        part = slice(start, start + model.n_positions)
        end = min(len(ids), start + model.n_positions)
        if end <= first + filled:
            continue
        rows = model.score(ids[part], model.new_cache(), None, visible[part])[0]
        fresh = rows[first + filled - start :]
        found[filled : filled + len(fresh)] = fresh
        filled += len(fresh)
    return found


def _log_probability(logits: NDArray[np.float32], allowed: NDArray[np.bool_], token: int) -> float:
    if not allowed[token]:
        return -np.inf
    legal = logits[allowed].astype(np.float64)
    top = legal.max()
    return float(logits[token] - top - np.log(np.exp(legal - top).sum()))
