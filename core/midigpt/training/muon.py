"""Muon: momentum whose matrices are made orthogonal before each step (Jordan et al., 2024).

PyTorch's own class orthogonalises in bfloat16, which takes twenty times as long as float32 on a CPU
without bfloat16 units. This one does so in the precision of the weights, except on GPUs, treats
matrices of one shape together, and leaves all other parameters to AdamW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315  # Newton-Schulz coefficients of the source
_MOMENTUM = 0.95  # of Nesterov's kind


class Muon(torch.optim.AdamW):
    """AdamW that treats the matrices of one group in Muon's way.

    Steps have the size that AdamW would take (0.2 * sqrt(larger side), Liu et al., 2025), so both
    share one learning rate.

    Args:
        matrices: those inside the layers, shape (m, n).
        others: groups of parameters for AdamW.
        weight_decay: of the matrices.
        betas, fused: of AdamW.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[dict[str, Any]],
        weight_decay: float,
        betas: tuple[float, float],
        fused: bool = False,
    ) -> None:
        own = {"params": list(matrices), "weight_decay": weight_decay, "orthogonal": True}
        groups = [own, *({**group, "orthogonal": False} for group in others)]
        super().__init__(groups, betas=betas, fused=fused)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with the gradients at hand, or with those of the closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        for group in groups:
            if group["orthogonal"]:
                self._step_orthogonally(group)
        try:
            self.param_groups = [group for group in groups if not group["orthogonal"]]
            super().step()
        finally:
            self.param_groups = groups
        return loss

    def _step_orthogonally(self, group: dict[str, Any]) -> None:
        by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        for matrix in group["params"]:
            if matrix.grad is not None:
                by_shape[tuple(matrix.shape)].append(matrix)
        for shape, matrices in by_shape.items():
            updates = orthogonalise(torch.stack([self._smoothed(matrix) for matrix in matrices]))
            rate = group["lr"] * 0.2 * max(shape) ** 0.5
            for matrix, update in zip(matrices, updates, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-rate)

    def _smoothed(self, matrix: Tensor) -> Tensor:
        assert matrix.grad is not None
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
            state["step"] = torch.tensor(0.0)  # AdamW looks for it in all states it loads
        mean: Tensor = state["momentum"]
        mean.lerp_(matrix.grad, 1 - _MOMENTUM)
        return matrix.grad.lerp(mean, _MOMENTUM)


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices, shape (batch, m, n), near 1 by Newton-Schulz steps."""
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result.to(matrices.dtype)
