"""Token n-grams: the baseline that a model of music has to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]


def ngram_losses(train: Ids, test: Ids, order: int, vocab_size: int) -> npt.NDArray[np.float64]:
    """Loss in nats of every id of ``test`` under an n-gram model of ``train``.

    Interpolated Witten-Bell smoothing (Witten and Bell, 1991), uniform below the unigrams: with T
    kinds of followers in its N occurrences, a context leaves a share of T / (N + T) to the context
    that is one id shorter. The first ``order - 1`` ids are given the uniform loss.
    """
    probability = np.full(len(test), 1.0 / vocab_size)
    for length in range(1, order + 1):
        grams, counts = np.unique(_codes(train, length, vocab_size), return_counts=True)
        contexts, starts = np.unique(grams // vocab_size, return_index=True)
        totals = np.add.reduceat(counts, starts)
        kinds = np.diff(np.append(starts, len(grams)))
        wanted = _codes(test, length, vocab_size)
        seen = _look_up(grams, counts, wanted)
        total = _look_up(contexts, totals, wanted // vocab_size)
        kind = _look_up(contexts, kinds, wanted // vocab_size)
        shorter = probability[length - 1 :]
        longer = (seen + kind * shorter) / np.maximum(total + kind, 1)
        probability[length - 1 :] = np.where(total > 0, longer, shorter)
    losses: npt.NDArray[np.float64] = -np.log(probability)
    return losses


def _codes(ids: Ids, length: int, vocab_size: int) -> npt.NDArray[np.int64]:
    """Each run of ``length`` ids as one number; the last id counts least."""
    codes = np.zeros(len(ids) - length + 1, np.int64)
    for shift in range(length):
        codes = codes * vocab_size + ids[shift : len(ids) - length + 1 + shift].astype(np.int64)
    return codes


def _look_up(
    keys: npt.NDArray[np.int64], values: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The value of each wanted key, 0 if it is not there; ``keys`` are sorted."""
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, values[index], 0)
