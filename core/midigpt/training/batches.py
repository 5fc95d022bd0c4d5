"""Batches of samples of like length, in an order that depends on a seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from midigpt.training.dataset import Dataset

MicroBatch: TypeAlias = list[int]
"""Samples, by index, that go through the model together."""

Batch: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Inputs, next ids and the weights of these in the loss, each (samples, longest - 1)."""

_POOL = 1024  # samples among which like lengths are looked for


def training_steps(
    dataset: Dataset, micro_batch_tokens: int, batch_tokens: int, seed: int
) -> Iterator[list[MicroBatch]]:
    """The micro-batches of each step, without end; each epoch has an order of its own."""
    epoch = 0
    step: list[MicroBatch] = []
    while True:
        rng = Random(f"{seed}/{epoch}")
        for batch in _epoch(dataset, micro_batch_tokens, rng):
            step.append(batch)
            if len(step) * micro_batch_tokens >= batch_tokens:
                yield step
                step = []
        epoch += 1


def group_by_length(
    lengths: Sequence[int], indices: Sequence[int], tokens: int
) -> list[MicroBatch]:
    """Micro-batches of at most ``tokens`` tokens, padding included, of neighbours in length."""
    batches: list[MicroBatch] = []
    batch: MicroBatch = []
    for index in sorted(indices, key=lambda i: lengths[i]):
        if (len(batch) + 1) * lengths[index] > tokens and batch:
            batches.append(batch)
            batch = []
        batch.append(index)
    return [*batches, batch] if batch else batches


def collate(dataset: Dataset, batch: MicroBatch, target_weight: float) -> Batch:
    """The tensors of a micro-batch.

    Padding stands at the right and weighs nothing, so causal attention needs no mask for it.
    """
    longest = int(dataset.lengths[batch].max())
    ids = np.zeros((len(batch), longest), np.int64)
    weights = np.zeros((len(batch), longest - 1), np.float32)
    for row, index in enumerate(batch):
        sample = dataset.ids[dataset.starts[index] : dataset.starts[index + 1]]
        ids[row, : len(sample)] = sample
        weights[row, : len(sample) - 1] = 1.0
        weights[row, dataset.targets[index] - 1 : len(sample) - 1] = target_weight
    tokens = torch.from_numpy(ids)
    return tokens[:, :-1], tokens[:, 1:], torch.from_numpy(weights)


def _epoch(dataset: Dataset, micro_batch_tokens: int, rng: Random) -> Iterator[MicroBatch]:
    lengths = dataset.lengths.tolist()
    order = list(range(len(dataset)))
    rng.shuffle(order)
    for first in range(0, len(order), _POOL):
        batches = group_by_length(lengths, order[first : first + _POOL], micro_batch_tokens)
        rng.shuffle(batches)
        yield from batches
