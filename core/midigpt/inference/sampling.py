"""From logits to the next token: legal probabilities, filters, and the draw.

The rules are those of MIDI-GPT 0.4.2, in float32. Every run draws from a generator of its own, so
runs in other threads cannot disturb it. A :class:`Draw` needs no PyTorch, yet its tokens are those
that ``torch.multinomial(probs, 1)`` draws on a CPU after ``torch.manual_seed(seed)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Float32, one entry per token id; sums to 1 where it holds probabilities.
Floats: TypeAlias = NDArray[np.float32]
#: One entry per token id.
Bools: TypeAlias = NDArray[np.bool_]


def next_token_probabilities(logits: Floats, allowed: Bools, temperature: float = 1.0) -> Floats:
    """Softmax of ``logits / temperature`` over the allowed ids; 0 elsewhere.

    If the logits are unusable (not a number, infinite), all allowed ids are equally likely.

    Args:
        logits: ``(vocab,)``.
        allowed: True = legal, ``(vocab,)``.
        temperature: above 0; below 1 sharpens, above 1 flattens.

    Raises:
        ValueError: no id is allowed, or the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; above 0 is wanted")
    legal = np.flatnonzero(allowed)
    if legal.size == 0:
        raise ValueError("allowed has no legal token")
    probs = np.zeros(allowed.shape, dtype=np.float32)
    with np.errstate(all="ignore"):
        scaled = logits[legal].astype(np.float32) / np.float32(temperature)
        weights = np.exp(scaled - scaled.max())
        share = weights / weights.sum()
    probs[legal] = share if np.isfinite(share).all() else np.float32(1 / legal.size)
    return probs


def reweight(probs: Floats, weights: Floats) -> Floats:
    """Multiply by the weights (>= 0) and renormalise; unchanged if nothing would be left."""
    return _normalised(probs * weights, probs)


@dataclass(frozen=True)
class Filters:
    """Which of the likely tokens may be drawn; all off by default.

    Args:
        top_k: keep the ``top_k`` most likely tokens; 0 is off.
        top_p: keep the most likely tokens that together reach ``top_p``, in (0, 1]; 1 is off.
        mask_k: then drop the ``mask_k`` most likely tokens, if they are note content; 0 is off.
        mask_p: then drop the most likely tokens that together reach ``mask_p``, if they are note
            content; in [0, 1), 0 is off.

    Raises:
        ValueError: a value outside its range.
    """

    top_k: int = 0
    top_p: float = 1.0
    mask_k: int = 0
    mask_p: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("top_k", self.top_k), ("mask_k", self.mask_k)):
            if value < 0:
                raise ValueError(f"{name} is {value}; 0 or more is wanted")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; a number in (0, 1] is wanted")
        if not 0 <= self.mask_p < 1:
            raise ValueError(f"mask_p is {self.mask_p}; a number in [0, 1) is wanted")

    @property
    def off(self) -> bool:
        """Whether nothing is filtered."""
        return self == Filters()

    def apply(self, probs: Floats, note_content: Bools) -> Floats:
        """Filter and renormalise; unchanged if nothing would be left.

        ``top_p`` is measured before ``top_k`` (quirk Q25), and tokens that are not note content
        count among the most likely ones but are never dropped by ``mask_k`` and ``mask_p`` (Q26).

        Args:
            probs: ``(vocab,)``.
            note_content: True for ids that say something about a note, ``(vocab,)``.
        """
        if self.off:
            return probs
        kept = np.zeros_like(probs)
        survivors = self._most_likely(probs)
        kept[survivors] = probs[survivors]
        kept = _normalised(kept, probs)
        masked = self._too_likely(kept, survivors.size)
        left = kept.copy()
        left[masked[note_content[masked]]] = 0
        return _normalised(left, probs)

    def _most_likely(self, probs: Floats) -> NDArray[np.intp]:
        """Ids that pass ``top_k`` and ``top_p``."""
        order = _descending(probs)
        count = possible = int(np.count_nonzero(probs > 0))
        if 0 < self.top_k < possible:
            count = self.top_k
        if self.top_p < 1:
            count = min(count, _reaching(probs[order], self.top_p))
        return order[:count]

    def _too_likely(self, kept: Floats, survivors: int) -> NDArray[np.intp]:
        """The first ids of the survivors, as far as ``mask_k`` and ``mask_p`` reach."""
        order = _descending(kept)[:survivors]
        count = self.mask_k if self.mask_k < survivors else 0
        if self.mask_p > 0:
            count = max(count, min(_reaching(kept[order], self.mask_p), survivors - 1))
        return order[:count]


class Draw:
    """Random draws of one run, reproducible from its seed.

    Each draw takes one exponential variate per id and picks the largest probability / variate
    ("exponential race"). The variates are made of the Mersenne Twister of Matsumoto and Nishimura
    (1998), two words each, as PyTorch makes them.

    Args:
        seed: any integer from 0; its lowest 32 bits count.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed is {seed}; 0 or more is wanted")
        self.seed = seed
        self._twister = np.random.RandomState(seed & 0xFFFFFFFF)

    def token(self, probs: Floats) -> int:
        """Draw an id; ``probs`` ``(vocab,)`` need not sum to 1, but one must be above 0."""
        words = np.frombuffer(self._twister.bytes(8 * probs.size), dtype="<u4").astype(np.uint64)
        bits = (words[0::2] << np.uint64(32) | words[1::2]) & np.uint64(2**53 - 1)
        uniform = bits.astype(np.float64) * 2.0**-53
        variates = (-np.log1p(-uniform)).astype(np.float32)
        return int(np.argmax(probs / np.maximum(variates, np.finfo(np.float32).tiny)))


def _descending(probs: Floats) -> NDArray[np.intp]:
    return np.argsort(-probs, kind="stable")


def _reaching(descending: Floats, share: float) -> int:
    """How many leading entries it takes until their sum reaches ``share``; all, if it never does.

    The running sum is kept in float64 and compared in float32.
    """
    running = np.cumsum(descending, dtype=np.float64).astype(np.float32)
    reached = running >= np.float32(share)
    return int(np.argmax(reached)) + 1 if reached.any() else descending.size


def _normalised(weights: Floats, fallback: Floats) -> Floats:
    total = weights.sum(dtype=np.float64)
    return (weights / np.float32(total)).astype(np.float32) if total > 0 else fallback
