"""Token n-grams: the baseline that a model of music has to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def ngram_losses(train: Ids, test: Ids, order: int, vocab_size: int) -> Floats:
    """Loss in nats of every id of ``test`` under an n-gram model of ``train``.

    Interpolated Kneser-Ney smoothing with one discount for each order, n1 / (n1 + 2 n2) (Kneser and
    Ney, 1995; Chen and Goodman, 1999), uniform below the unigrams. The first ``order - 1`` ids have
    the loss of the shorter n-grams that fit.

    Args:
        train, test: ids below ``vocab_size``, shape (n,).
        order: 1 = unigrams; at most as many as fit in 63 bits.
        vocab_size: number of ids.
    """
    if not 1 <= order <= int(63 / np.log2(vocab_size)):
        raise ValueError(f"order is {order}; 1 to {int(63 / np.log2(vocab_size))} is wanted")
    probability = np.full(len(test), 1.0 / vocab_size)
    tables = [np.unique(_codes(train, n, vocab_size), return_counts=True) for n in range(1, order)]
    top = np.unique(_codes(train, order, vocab_size), return_counts=True)
    for n in range(1, order + 1):
        if n == order:
            grams, counts = top
        else:  # in how many contexts that are one id longer it occurs
            longer = top[0] if n + 1 == order else tables[n][0]
            grams, counts = np.unique(longer % vocab_size**n, return_counts=True)
        contexts, starts = np.unique(grams // vocab_size, return_index=True)
        totals = np.add.reduceat(counts, starts)
        kinds = np.diff(np.append(starts, len(grams)))
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        discount = once / (once + 2 * twice) if once else 0.5
        wanted = _codes(test, n, vocab_size)
        seen = _look_up(grams, counts, wanted)
        total = _look_up(contexts, totals, wanted // vocab_size)
        kind = _look_up(contexts, kinds, wanted // vocab_size)
        shorter = probability[n - 1 :]
        mixed = (np.maximum(seen - discount, 0) + discount * kind * shorter) / np.maximum(total, 1)
        probability[n - 1 :] = np.where(total > 0, mixed, shorter)
    losses: Floats = -np.log(probability)
    return losses


def _codes(ids: Ids, length: int, vocab_size: int) -> Codes:
    """Each run of ``length`` ids as one number; the last id counts least."""
    codes = np.zeros(len(ids) - length + 1, np.int64)
    for shift in range(length):
        codes = codes * vocab_size + ids[shift : len(ids) - length + 1 + shift].astype(np.int64)
    return codes


def _look_up(keys: Codes, values: Codes, wanted: Codes) -> Codes:
    """The value of each wanted key, 0 if it is not there; ``keys`` are sorted."""
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, values[index], 0)
