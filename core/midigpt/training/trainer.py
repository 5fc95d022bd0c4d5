"""Trains a model on samples, and writes what a run leaves behind."""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from midigpt.encoder_config import EncoderConfig
from midigpt.inference.model import GPT2Config, GPT2LMHeadModel, TransformerLMBase
from midigpt.tokenizer import Tokenizer
from midigpt.training.batches import Batch, MicroBatch, collate, training_steps
from midigpt.training.config import TrainConfig
from midigpt.training.dataset import Dataset, make_dataset
from midigpt.training.loss import evaluate, token_losses
from midigpt.training.workers import Workers

log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    train_path: str | Path,
    eval_path: str | Path | None = None,
    output_dir: str | Path = "checkpoints",
    resume: bool = False,
) -> Path:
    """Train a model; return the path of its checkpoint, ``output_dir/model_final.safetensors``.

    Args:
        config: the settings.
        train_path, eval_path: Parquet files of music; see :mod:`midigpt.training.corpus`.
        output_dir: gets ``metrics.jsonl``, ``state.pt`` to resume from, and ``cache/``.
        resume: continue from ``state.pt`` if it is there.
    """
    output = Path(output_dir)
    output.mkdir(parents=True, exist_ok=True)
    training = make_dataset(config, train_path, config.train_tokens, output / "cache")
    validation = (
        make_dataset(config, eval_path, config.valid_tokens, output / "cache")
        if eval_path is not None
        else None
    )
    return Trainer(config, training, validation, output).run(resume)


class Trainer:
    """One run of training: the weights, the optimiser, and how far they have come."""

    def __init__(
        self, config: TrainConfig, training: Dataset, validation: Dataset | None, output: Path
    ) -> None:
        self.config, self.training, self.validation = config, training, validation
        self.output = output
        with open(config.encoder_config_path) as file:
            self.encoder_config = EncoderConfig.from_json(file.read())
        torch.set_num_threads(1)  # the workers have the cores
        torch.manual_seed(config.seed)
        self.model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=Tokenizer(self.encoder_config).vocab_size(),
                n_positions=config.max_seq_len,
                n_embd=config.n_embd,
                n_layer=config.n_layer,
                n_head=config.n_head,
            )
        )
        self.workers = Workers(self.model, config.num_workers)
        self.optimizers = _optimizers(self.model, config)
        self.step = 0
        self.seconds = 0.0  # wall time so far, validation included

    def run(self, resume: bool = False) -> Path:
        """Train until the limit of the configuration; see :func:`train`."""
        if resume and (self.output / "state.pt").exists():
            self._load_state()
        config = self.config
        steps = training_steps(
            self.training, config.micro_batch_tokens, config.batch_tokens, config.seed
        )
        clock = _Clock(self.seconds)
        running: list[float] = []
        with tqdm(desc="train", unit="token", unit_scale=True) as progress:
            for micro_batches in islice(steps, self.step, None):
                done = self._progress()
                if done >= 1.0:
                    break
                loss, n_tokens = self._take_step(micro_batches, done)
                self.step, self.seconds = self.step + 1, clock.seconds()
                running.append(loss)
                progress.update(n_tokens)
                progress.set_postfix(loss=f"{loss:.3f}", done=f"{done:.1%}")
                if self.step % self.config.logging_steps == 0:
                    self._write_metrics(train_loss=sum(running) / len(running))
                    running = []
                if clock.is_due("eval", self.config.eval_minutes):
                    self._validate()
                if clock.is_due("save", self.config.save_minutes):
                    self._save_state()
        self._save_state()
        path = self.output / "model_final.safetensors"
        halves = copy.deepcopy(self.model).half()  # loaders convert to float32
        halves.save_pretrained(path, encoder_config=self.encoder_config)
        self._validate()
        return path

    def _progress(self) -> float:
        """How much of the training is done, 0..1: steps if they are limited, otherwise time."""
        if self.config.max_steps > 0:
            return self.step / self.config.max_steps
        return self.seconds / (60 * self.config.max_minutes)

    def _take_step(self, micro_batches: Sequence[MicroBatch], progress: float) -> tuple[float, int]:
        """Mean loss of the step's tokens, and their number."""
        rate = self.config.learning_rate * _schedule(progress, self.config.warmup_ratio)
        batches = [collate(self.training, b, self.config.target_weight) for b in micro_batches]
        total = float(sum(weights.sum() for _, _, weights in batches))

        def accumulate(model: TransformerLMBase, batch: Batch) -> float:
            inputs, targets, weights = batch
            with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
                loss = (token_losses(model, inputs, targets) * weights).sum() / total
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item()

        loss = sum(self.workers.map(accumulate, batches))
        self.workers.gather_gradients()
        if self.config.max_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        return loss, sum(int((weights > 0).sum()) for _, _, weights in batches)

    def _validate(self) -> None:
        if self.validation is not None:
            losses = evaluate(self.workers, self.validation, self.config.micro_batch_tokens)
            self._write_metrics(**{f"valid_{name}": loss for name, loss in losses.items()})

    def _write_metrics(self, **values: float) -> None:
        line = {"step": self.step, "seconds": round(self.seconds, 1), **values}
        log.info("%s", line)
        with open(self.output / "metrics.jsonl", "a") as file:
            file.write(json.dumps({k: round(v, 4) for k, v in line.items()}) + "\n")

    def _save_state(self) -> None:
        partial = self.output / "state.partial.pt"
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "step": self.step,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.replace(self.output / "state.pt")

    def _load_state(self) -> None:
        state: dict[str, Any] = torch.load(self.output / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]


def _optimizers(model: GPT2LMHeadModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """AdamW, without weight decay on biases and layer norms; or Muon for the layers' matrices.

    Muon (Jordan et al., 2024) takes steps of the size that AdamW would take, so both share one
    learning rate.
    """
    decay = config.weight_decay
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimizers: list[torch.optim.Optimizer] = []
    if config.optimizer == "muon":
        layers = [p for p in model.transformer.h.parameters() if p.dim() >= 2]
        optimizers.append(
            torch.optim.Muon(layers, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
        )
        matrices = [p for p in matrices if all(p is not layer for layer in layers)]
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return [*optimizers, torch.optim.AdamW(groups, betas=(0.9, 0.98))]


def _schedule(progress: float, warmup: float) -> float:
    """Factor of the learning rate at ``progress`` (0..1): linear warm-up, then half a cosine."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


class _Clock:
    """Wall time of a run that may be continued."""

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic() - seconds
        self._last: dict[str, float] = defaultdict(lambda: seconds)

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def is_due(self, name: str, minutes: float) -> bool:
        """Whether this much time has passed since it last was."""
        due = self.seconds() - self._last[name] >= 60 * minutes
        if due:
            self._last[name] = self.seconds()
        return due
