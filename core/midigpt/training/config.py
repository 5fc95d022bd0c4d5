"""What a training run is made of, read from a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from midigpt.training.samples import KINDS


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run.

    Attributes:
        encoder_config_path: encoder configuration (JSON), relative to the configuration file.
        n_embd, n_layer, n_head, max_seq_len: sizes of the model; ``max_seq_len`` is its context.
        kinds: share of each kind of sample; see :mod:`midigpt.training.samples`.
        windows: share of each window length in bars; only values of the encoder's num_bars_map.
        source_weights: share of each source of the corpus; sources not listed are left out. When
            empty, all pieces are alike.
        licences: SPDX licences to use; when empty, all.
        train_tokens, valid_tokens: tokens of samples to make before training. Training passes over
            them again, in another order, if time is left.
        max_sample_tokens: longer samples are not used.
        max_minutes: wall time of training; the learning rate follows it. 0 = no limit.
        max_steps: optimiser steps; > 0 makes the learning rate follow the steps.
        optimizer: "adamw", or "muon" for the matrices of the layers (PyTorch 2.9 or newer).
        learning_rate, warmup_ratio, weight_decay, max_grad_norm: linear warm-up, then half a
            cosine down to a fiftieth.
        batch_tokens, micro_batch_tokens: tokens, padding included, of a step and of one pass.
        target_weight: weight in the loss of the tokens that a live model writes; others have 1.
        num_workers: threads that compute gradients, each on micro-batches of its own.
        precision: "bf16" or "fp32".
        eval_minutes, save_minutes: time between validations and between checkpoints.
        logging_steps: steps between lines of the metrics.
        seed: of samples, their order and the first weights.
    """

    encoder_config_path: str
    n_embd: int = 256
    n_layer: int = 6
    n_head: int = 4
    max_seq_len: int = 2048
    kinds: Mapping[str, float] = field(
        default_factory=lambda: {"live": 0.65, "ar": 0.15, "infill": 0.2}
    )
    windows: Mapping[int, float] = field(
        default_factory=lambda: {4: 0.15, 8: 0.65, 12: 0.1, 16: 0.1}
    )
    source_weights: Mapping[str, float] = field(default_factory=dict)
    licences: tuple[str, ...] = ()
    train_tokens: int = 20_000_000
    valid_tokens: int = 200_000
    max_sample_tokens: int = 1536
    max_minutes: float = 60.0
    max_steps: int = 0
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    warmup_ratio: float = 0.03
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0
    batch_tokens: int = 16_384
    micro_batch_tokens: int = 4_096
    target_weight: float = 1.0
    num_workers: int = 2
    precision: str = "bf16"
    eval_minutes: float = 5.0
    save_minutes: float = 5.0
    logging_steps: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp32"):
            raise ValueError(f'precision is {self.precision!r}; "bf16" or "fp32" is wanted')
        if self.optimizer not in ("adamw", "muon"):
            raise ValueError(f'optimizer is {self.optimizer!r}; "adamw" or "muon" is wanted')
        if unknown := set(self.kinds) - set(KINDS):
            raise ValueError(f"kinds has {sorted(unknown)}; it may have {list(KINDS)}")
        if self.max_sample_tokens > self.max_seq_len:
            raise ValueError(
                f"max_sample_tokens is {self.max_sample_tokens}; "
                f"the context max_seq_len is {self.max_seq_len}"
            )
        if self.max_sample_tokens > self.micro_batch_tokens:
            raise ValueError(
                f"micro_batch_tokens is {self.micro_batch_tokens}; "
                f"one sample may have {self.max_sample_tokens}"
            )
        if self.max_minutes <= 0 and self.max_steps <= 0:
            raise ValueError("max_minutes and max_steps are both 0; one must end the training")

    @classmethod
    def from_file(cls, path: str | Path) -> TrainConfig:
        """Read a JSON file; unknown keys are ignored.

        Raises:
            ValueError: not a JSON object, or a value outside its range.
        """
        path = Path(path)
        data = json.loads(path.read_text())
        if not isinstance(data, dict):
            raise ValueError(f"{path}: a JSON object is wanted")
        known: dict[str, Any] = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        if "encoder_config_path" not in known:
            raise ValueError(f"{path}: encoder_config_path is missing")
        known["encoder_config_path"] = str(path.parent / known["encoder_config_path"])
        if "windows" in known:
            known["windows"] = {int(bars): share for bars, share in known["windows"].items()}
        if "licences" in known:
            known["licences"] = tuple(known["licences"])
        return cls(**known)
