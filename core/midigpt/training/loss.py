"""The loss of a model, token by token and summed up by kind of sample."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from midigpt.inference.model import TransformerLMBase
from midigpt.training.batches import Batch


def token_losses(model: TransformerLMBase, batch: Batch) -> Tensor:
    """Cross-entropy of each next id in nats, shaped like the targets."""
    logits, _ = model(batch.inputs, key_mask=batch.keys)
    losses = F.cross_entropy(
        logits.float().flatten(0, 1), batch.targets.flatten(), reduction="none"
    )
    return losses.view_as(batch.targets)


def weighted_loss(model: TransformerLMBase, batch: Batch) -> Tensor:
    """Sum of the losses, each times its weight."""
    return (token_losses(model, batch) * batch.weights).sum()


@torch.no_grad()
def loss_sums(model: TransformerLMBase, batch: Batch) -> Tensor:
    """Sum and number of the losses of all ids, then of those that weigh most; shape (4,)."""
    losses, weights = token_losses(model, batch), batch.weights
    tokens, answers = weights > 0, weights == weights.max()
    return torch.stack(
        [losses[tokens].sum(), tokens.sum(), losses[answers].sum(), answers.sum()]
    ).double()
