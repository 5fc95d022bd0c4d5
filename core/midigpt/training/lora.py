"""LoRA: train small matrices added to frozen ones (Hu et al., 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _LowRank(nn.Module):
    """W + A B, where B is 0 at first; W is (inputs, outputs)."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.randn(inputs, rank) / math.sqrt(inputs))
        self.b = nn.Parameter(torch.zeros(rank, outputs))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.a @ self.b


def add_lora(model: nn.Module, rank: int) -> None:
    """Freeze the model, and give each matrix of its layers an addend of this rank to train."""
    model.requires_grad_(False)
    for name, module in list(model.named_modules()):
        weight = getattr(module, "weight", None)
        if ".h." in name and isinstance(weight, nn.Parameter) and weight.dim() == 2:
            inputs, outputs = weight.shape
            addend = _LowRank(inputs, outputs, min(rank, inputs, outputs))
            parametrize.register_parametrization(module, "weight", addend)


def merged_weights(model: nn.Module) -> dict[str, Tensor]:
    """The state of the model with the addends put into the matrices, as of an ordinary one."""
    weights = model.state_dict()
    for name, module in model.named_modules():
        if parametrize.is_parametrized(module, "weight"):
            prefix = f"{name}.parametrizations.weight."
            weights = {key: value for key, value in weights.items() if not key.startswith(prefix)}
            weights[f"{name}.weight"] = module.weight.detach()
    return weights
