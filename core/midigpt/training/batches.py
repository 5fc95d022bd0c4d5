"""Batches of samples of like length, in an order that depends on a seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, distributed
from torch.utils.data import IterableDataset

from midigpt.training.config import TrainConfig
from midigpt.training.dataset import Dataset
from midigpt.training.samples import KINDS

MicroBatch: TypeAlias = list[int]
"""Samples, by index, that go through the model together."""

ValidationStep: TypeAlias = "tuple[str, list[Batch]]"
"""A kind of sample, and micro-batches of it."""

_POOL = 1024  # samples among which like lengths are looked for
_PARTS = 6  # micro-batches of a step for each thread: few enough to be large, and none waits long
_AT_ONCE = 8  # micro-batches of a step of the validation


class Batch(NamedTuple):
    """Tensors of a micro-batch, each (samples, longest - 1).

    ``keys`` is False for ids that no other may attend to; None if there are none.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    keys: Tensor | None


class Steps(IterableDataset[list[Batch]]):
    """The micro-batches of each step, without end.

    Args:
        dataset, config: what to read, and how much at once.
        first_step: where to go on; the steps are those of a run that was never interrupted.
        threads: that share the work of a step evenly; 0: give each micro-batch on its own, for
            trainers that put the steps together.

    Of several processes that train together, each gets every so-manieth micro-batch.
    """

    def __init__(self, dataset: Dataset, config: TrainConfig, threads: int = 0) -> None:
        self.dataset, self.config = dataset, config
        self.first_step = 0
        self._threads = threads

    @property
    def passes_per_step(self) -> int:
        """Micro-batches of a step."""
        config = self.config
        if config.batch_tokens:
            return max(1, -(-config.batch_tokens // config.micro_batch_tokens))
        return config.gradient_accumulation_steps

    def __iter__(self) -> Iterator[list[Batch]]:
        size, lengths = self.passes_per_step, self.dataset.lengths.tolist()
        own = islice(self._endless(), *_share())
        batches = islice(own, self.first_step * size, None)
        while True:
            step = list(islice(batches, size))
            if self._threads:
                step = share_out(lengths, step, _PARTS * self._threads)
            tensors = [collate(self.dataset, batch, self.config.target_weight) for batch in step]
            yield from [tensors] if self._threads else ([batch] for batch in tensors)

    def steps_of_an_epoch(self, processes: int) -> int:
        """Steps in which every sample is read about once by one of the processes."""
        batches = sum(1 for _ in self._epoch(0))
        return max(1, batches // (self.passes_per_step * processes))

    def _endless(self) -> Iterator[MicroBatch]:
        epoch = 0
        while True:
            yield from self._epoch(epoch)
            epoch += 1

    def _epoch(self, epoch: int) -> Iterator[MicroBatch]:
        config, rng = self.config, Random(f"{self.config.seed}/{epoch}")
        lengths = self.dataset.lengths.tolist()
        order = list(range(len(self.dataset)))
        rng.shuffle(order)
        for first in range(0, len(order), _POOL):
            pool = order[first : first + _POOL]
            if config.batch_tokens:
                batches = group_by_length(lengths, pool, config.micro_batch_tokens)
            else:
                pool.sort(key=lambda i: lengths[i])
                size = config.per_device_batch_size
                batches = [pool[i : i + size] for i in range(0, len(pool), size)]
            rng.shuffle(batches)
            yield from batches


class Checks(IterableDataset[ValidationStep]):
    """All samples of a validation, by kind; the ids to write have the weight 2."""

    def __init__(self, dataset: Dataset, config: TrainConfig) -> None:
        self._dataset, self._config = dataset, config

    def __iter__(self) -> Iterator[ValidationStep]:
        dataset, config = self._dataset, self._config
        lengths = dataset.lengths.tolist()
        size = max(config.micro_batch_tokens, config.longest_sample)
        for number, kind in enumerate(KINDS):
            samples = np.flatnonzero(dataset.kinds == number).tolist()
            groups = group_by_length(lengths, samples, size)[: config.limit_val_batches or None]
            own = islice(groups, *_share())
            while batches := [collate(dataset, group, 2.0) for group in islice(own, _AT_ONCE)]:
                yield kind, batches


def _share() -> tuple[int, None, int]:
    """The micro-batches of this process, as arguments of ``islice``."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), None, distributed.get_world_size()
    return 0, None, 1


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


def share_out(lengths: Sequence[int], step: Sequence[MicroBatch], parts: int) -> list[MicroBatch]:
    """The samples of a step in about so many micro-batches of like size, the largest first.

    None is larger than the largest of the step, padding included.
    """

    def size(batch: MicroBatch) -> int:
        return len(batch) * max(lengths[index] for index in batch)

    samples = [index for batch in step for index in batch]
    tokens = min(max(map(size, step)), sum(lengths[index] for index in samples) // parts)
    return sorted(group_by_length(lengths, samples, tokens), key=size, reverse=True)


def collate(dataset: Dataset, batch: MicroBatch, target_weight: float) -> Batch:
    """The tensors of a micro-batch.

    Padding stands at the right and weighs nothing, so causal attention needs no mask for it.
    """
    longest = int(dataset.lengths[batch].max())
    ids = np.zeros((len(batch), longest), np.int64)
    weights = np.zeros((len(batch), longest - 1), np.float32)
    keys = np.ones((len(batch), longest - 1), np.bool_)
    for row, index in enumerate(batch):
        sample = dataset.ids[dataset.starts[index] : dataset.starts[index + 1]]
        ids[row, : len(sample)] = sample
        weights[row, : len(sample) - 1] = 1.0
        weights[row, dataset.targets[index] - 1 : len(sample) - 1] = target_weight
        for start, end in dataset.hidden(index):
            keys[row, start:end] = False
    tokens = torch.from_numpy(ids)
    return Batch(
        tokens[:, :-1],
        tokens[:, 1:],
        torch.from_numpy(weights),
        None if keys.all() else torch.from_numpy(keys),
    )
