"""The loss of a model, token by token and summed up by kind of sample."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from midigpt.inference.model import TransformerLMBase
from midigpt.training.batches import Batch, collate, group_by_length
from midigpt.training.dataset import Dataset
from midigpt.training.samples import KINDS
from midigpt.training.workers import Workers


def token_losses(model: TransformerLMBase, inputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each next id in nats, shaped like ``targets``."""
    logits, _ = model(inputs)
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return losses.view_as(targets)


def evaluate(workers: Workers, dataset: Dataset, micro_batch_tokens: int) -> dict[str, float]:
    """Mean loss of the next token of each kind of sample, in nats.

    ``<kind>_target`` counts only what a model has to write in answer to that kind of request.
    """
    lengths = dataset.lengths.tolist()
    losses: dict[str, float] = {}
    for kind, name in enumerate(KINDS):
        indices = [i for i in range(len(dataset)) if dataset.kinds[i] == kind]
        groups = group_by_length(lengths, indices, micro_batch_tokens)
        batches = [collate(dataset, group, target_weight=2.0) for group in groups]
        sums = torch.tensor(workers.map(_loss_sums, batches)).sum(0).tolist()
        if indices:
            losses[name], losses[f"{name}_target"] = sums[0] / sums[1], sums[2] / sums[3]
    return losses


@torch.no_grad()
def _loss_sums(model: TransformerLMBase, batch: Batch) -> tuple[float, float, float, float]:
    """Sum and number of the losses of all tokens, and of targets (those with weight 2)."""
    inputs, targets, weights = batch
    losses = token_losses(model, inputs, targets)
    tokens, answers = weights > 0, weights > 1
    return (
        float(losses[tokens].sum()),
        float(tokens.sum()),
        float(losses[answers].sum()),
        float(answers.sum()),
    )
