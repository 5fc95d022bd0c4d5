"""The model as PyTorch Lightning trains it."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from midigpt.inference.model import TransformerLMBase
from midigpt.training.batches import Batch, Steps, ValidationStep
from midigpt.training.config import TrainConfig
from midigpt.training.loss import loss_sums, weighted_loss
from midigpt.training.muon import Muon
from midigpt.training.samples import KINDS
from midigpt.training.schedule import Clock, progress, rate_factor
from midigpt.training.workers import Workers

_BETAS = (0.9, 0.98)


class Learner(LightningModule):
    """Loss, optimiser and learning rate of a run.

    Args:
        model: what is trained.
        config: the settings.
        steps: what it reads; told where to go on when a checkpoint is loaded.
        total_steps: optimiser steps of the run; 0 = as many as time allows.
        threads: > 0: compute gradients in so many threads, see :mod:`midigpt.training.workers`;
            0: as Lightning does.
        autocast: type of the matrix products in these threads.
    """

    def __init__(
        self,
        model: TransformerLMBase,
        config: TrainConfig,
        steps: Steps,
        total_steps: int,
        threads: int = 0,
        autocast: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.model, self.config, self.steps = model, config, steps
        self._total_steps, self._autocast = total_steps, autocast
        self._clock = Clock()
        self._workers = Workers(model, threads) if threads else None
        self._losses: list[float] = []  # since the last line of the metrics
        self._step = 0
        self._valid_sums = _no_sums()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, without weight decay on biases and layer norms; or Muon for the layers."""
        decay, parameters = self.config.weight_decay, list(self.model.named_parameters())
        trained = [(name, p) for name, p in parameters if p.requires_grad]
        inner = [p for name, p in trained if p.dim() == 2 and ".h." in name]
        outer = [p for name, p in trained if p.dim() == 2 and ".h." not in name]
        vectors = {"params": [p for _, p in trained if p.dim() < 2], "weight_decay": 0.0}
        fused = self._workers is not None  # on GPUs Lightning may scale, and would not clip then
        if self.config.optimizer == "muon":
            others = [{"params": outer, "weight_decay": decay}, vectors]
            return Muon(inner, [g for g in others if g["params"]], decay, _BETAS, fused)
        matrices = {"params": [*inner, *outer], "weight_decay": decay}
        groups = [group for group in (matrices, vectors) if group["params"]]
        return torch.optim.AdamW(groups, betas=_BETAS, fused=fused)

    def training_step(self, step: list[Batch]) -> Tensor:
        """Mean loss of the ids of a step, or of one of its micro-batches."""
        total = float(sum(batch.weights.sum() for batch in step))
        if self._workers is None:
            (batch,) = step
            loss = weighted_loss(self.model, batch) / total
            self._losses.append(float(loss.detach()))
            return loss
        sums = self._workers.map(partial(self._learn, total), step)
        self._losses.append(sum(sums))
        return torch.tensor(self._losses[-1])

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Gradients of the loss; the threads have theirs already."""
        if self._workers is None:
            loss.backward(*args, **kwargs)  # type: ignore[no-untyped-call]
        else:
            self._workers.gather_gradients()

    def _learn(self, total: float, model: TransformerLMBase, batch: Batch) -> float:
        with torch.autocast("cpu", self._autocast, enabled=self._autocast != torch.float32):
            loss = weighted_loss(model, batch) / total
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    @property
    def done(self) -> float:
        """Share of the training that is done, 0..1."""
        return progress(self.config, self.global_step, self._total_steps, self._clock.seconds)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate."""
        factor = rate_factor(self.config, self.global_step, self.done)
        for group in optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    def on_train_batch_end(self, *_: Any) -> None:
        """Log now and then; stop at the end of time."""
        stepped = self.global_step != self._step
        self._step = self.global_step
        if stepped and self.global_step % self.config.logging_steps == 0:
            values = {
                "step": float(self.global_step),
                "train_loss": sum(self._losses) / len(self._losses),
                "learning_rate": self.optimizers().param_groups[0]["lr"],  # type: ignore[union-attr]
                "seconds": self._clock.seconds,
            }
            self.log_dict(values)
            self._losses = []
        if self.done >= 1:
            self.trainer.should_stop = True

    def validation_step(self, step: ValidationStep) -> None:
        """Add up the losses of a kind of sample."""
        kind, batches = step
        if self._workers is None:
            sums = [loss_sums(self.model, batch) for batch in batches]
        else:
            sums = self._workers.map(loss_sums, batches)
        total = torch.stack(sums).sum(0)
        self._valid_sums[kind] = self._valid_sums[kind] + total.cpu()

    def on_validation_epoch_end(self) -> None:
        """Log the mean losses: of all ids, and of those that a model writes (``_target``)."""
        values = {"step": float(self.global_step)}
        for kind, sums in self._valid_sums.items():
            everything = torch.as_tensor(self.all_gather(sums)).view(-1, 4).sum(0).tolist()
            if not everything[1]:
                continue
            values[f"valid_{kind}"] = everything[0] / everything[1]
            values[f"valid_{kind}_target"] = everything[2] / everything[3]
        self.log_dict(values)
        self._valid_sums = _no_sums()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the wall time and the losses not logged yet."""
        checkpoint["seconds"], checkpoint["losses"] = self._clock.seconds, list(self._losses)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was made."""
        self._clock.seconds, self._losses = checkpoint["seconds"], list(checkpoint["losses"])
        self.steps.first_step = self._step = checkpoint["global_step"]


def _no_sums() -> dict[str, Tensor]:
    return {kind: torch.zeros(4, dtype=torch.float64) for kind in KINDS}
