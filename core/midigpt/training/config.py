"""What a training run is made of, read from a JSON or YAML file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from midigpt.training.samples import KINDS

_CHOICES = {
    "precision": ("fp16", "bf16", "fp32"),
    "optimizer": ("adamw", "muon"),
    "lr_scheduler_type": ("linear", "cosine", "constant"),
    "logger": ("tensorboard", "wandb", "none"),
    "mask_mode": (0, 1, 2),
}
_SHARES = (
    *("min_fill_ratio", "infill_probability", "infill_bar_fraction"),
    *("mask_apply_probability", "mask_bar_fraction"),
)
_COUNTS = ("n_embd", "n_layer", "n_head", "max_seq_len", "per_device_batch_size", "logging_steps")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run: the fields of MIDI-GPT 0.4.2, then ours.

    Attributes:
        output_dir: gets metrics, checkpoints and the model.
        encoder_config_path: encoder configuration (.json), or a checkpoint that has one, relative
            to the configuration file.
        learning_rate, weight_decay, max_grad_norm: of the optimiser; max_grad_norm 0 = no limit.
        warmup_steps: optimiser steps over which the learning rate rises.
        lr_scheduler_type: "linear" or "cosine", down to 0, or "constant".
        num_epochs: passes over the pieces, one fresh sample of each a pass; see train_tokens.
        max_steps: optimiser steps; > 0 wins over num_epochs.
        per_device_batch_size, gradient_accumulation_steps: samples of a pass, and passes of a step;
            batch_tokens wins over both.
        seed: of samples, their order and the first weights.
        num_workers: processes that make samples before training; 0 = one for each core.
        n_embd, n_layer, n_head, max_seq_len: sizes of the model; max_seq_len is its context.
        precision: "fp16", "bf16" or "fp32"; on a CPU that cannot do it well, fp32 is used.
        save_steps, eval_steps, logging_steps: steps between checkpoints, validations and lines of
            the metrics.
        limit_val_batches: passes of a validation; 0 = all.
        logger: "tensorboard", "wandb" or "none", besides metrics.jsonl.
        wandb_project, wandb_entity: where Weights & Biases keeps the run.
        max_tracks, min_tracks: tracks of a sample.
        min_fill_ratio: share of a window's bars in which a track must play to be in a sample.
        infill_probability: share of infill among samples, the rest being ar; kinds wins over it.
        infill_bar_fraction: largest share of bars that an infill sample leaves out.
        mask_apply_probability: share of ar and infill samples with hidden bars.
        mask_mode: 0 hides bars at random, 1 those after some bar, 2 mixes both.
        mask_bar_fraction, mask_max_lookahead: largest share of bars, or number in a row, hidden.
        init_from: checkpoint to take the first weights from, relative to the configuration file;
            empty = random weights.
        kinds: share of each kind of sample; see :mod:`midigpt.training.samples`.
        windows: share of each window length in bars; empty = all of num_bars_map alike.
        span_masks: hide bars by attention rather than by MaskBar tokens; None = if the encoder has
            no such token.
        source_weights: share of each source of the corpus; sources not listed are left out. Empty:
            all pieces are alike.
        exclude_sources, licences: sources to leave out; SPDX licences to use, empty = all.
        train_tokens, valid_tokens: tokens of samples to make before training; 0 = num_epochs
            samples (1 to validate on) of each piece. Training passes over them again, in another
            order, if steps or time are left.
        max_sample_tokens: longer samples are not used; 0 = max_seq_len.
        max_minutes: wall time of training; the learning rate follows it. 0 = no limit.
        eval_minutes, save_minutes: as eval_steps and save_steps, by the clock; 0 = by steps alone.
        optimizer: "adamw", or "muon" for the matrices of the layers.
        warmup_ratio: share of the training in which the learning rate rises, if warmup_steps is 0.
        batch_tokens, micro_batch_tokens: tokens, padding included, of a step and of a pass.
        target_weight: weight in the loss of the tokens that a live model writes; others have 1.
        accelerator, devices, num_nodes, strategy: as Lightning's Trainer has them; on one CPU the
            threads below do the work.
        threads: threads that compute gradients on a CPU, each on passes of its own; 0 = all cores.
        lora_rank: > 0 trains only matrices of this rank added to those of the layers; see
            :mod:`midigpt.training.lora`.
    """

    output_dir: str = "checkpoints"
    encoder_config_path: str = ""
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    warmup_steps: int = 500
    lr_scheduler_type: str = "linear"
    num_epochs: int = 10
    max_steps: int = 0
    per_device_batch_size: int = 4
    gradient_accumulation_steps: int = 8
    seed: int = 42
    num_workers: int = 0
    n_embd: int = 512
    n_layer: int = 6
    n_head: int = 8
    precision: str = "fp16"
    max_seq_len: int = 2048
    save_steps: int = 1000
    eval_steps: int = 500
    limit_val_batches: int = 0
    logging_steps: int = 50
    logger: str = "none"
    wandb_project: str = "midigpt"
    wandb_entity: str = ""
    max_tracks: int = 12
    min_tracks: int = 1
    min_fill_ratio: float = 0.75
    infill_probability: float = 0.75
    infill_bar_fraction: float = 0.5
    mask_apply_probability: float = 0.5
    mask_mode: int = 2
    mask_bar_fraction: float = 0.25
    mask_max_lookahead: int = 4

    init_from: str = ""
    kinds: Mapping[str, float] = field(default_factory=dict)
    windows: Mapping[int, float] = field(default_factory=dict)
    span_masks: bool | None = None
    source_weights: Mapping[str, float] = field(default_factory=dict)
    exclude_sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    train_tokens: int = 0
    valid_tokens: int = 0
    max_sample_tokens: int = 0
    max_minutes: float = 0.0
    eval_minutes: float = 0.0
    save_minutes: float = 0.0
    optimizer: str = "adamw"
    warmup_ratio: float = 0.0
    batch_tokens: int = 0
    micro_batch_tokens: int = 2048
    target_weight: float = 1.0
    accelerator: str = "auto"
    devices: int | str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"
    threads: int = 0
    lora_rank: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"{name} is {value!r}; one of {list(allowed)} is wanted")
        for name in _SHARES:
            if not 0.0 <= (value := getattr(self, name)) <= 1.0:
                raise ValueError(f"{name} is {value}; 0 to 1 is wanted")
        for name in _COUNTS:
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} is {value}; at least 1 is wanted")
        if unknown := set(self.kinds) - set(KINDS):
            raise ValueError(f"kinds has {sorted(unknown)}; it may have {list(KINDS)}")
        if not 1 <= self.min_tracks <= self.max_tracks:
            raise ValueError(f"min_tracks is {self.min_tracks}; 1 to {self.max_tracks} is wanted")
        if self.n_embd % self.n_head:
            raise ValueError(f"n_head is {self.n_head}; it must divide n_embd, {self.n_embd}")
        if self.max_sample_tokens > self.max_seq_len:
            raise ValueError(
                f"max_sample_tokens is {self.max_sample_tokens}; "
                f"the context max_seq_len is {self.max_seq_len}"
            )
        if self.batch_tokens and self.longest_sample > self.micro_batch_tokens:
            raise ValueError(
                f"micro_batch_tokens is {self.micro_batch_tokens}; "
                f"one sample may have {self.longest_sample}"
            )
        if self.max_minutes <= 0 and self.max_steps <= 0 and self.num_epochs <= 0:
            raise ValueError("max_steps, max_minutes and num_epochs are 0; one must end the run")

    @property
    def longest_sample(self) -> int:
        """Most tokens of a sample."""
        return self.max_sample_tokens or self.max_seq_len

    @property
    def kind_weights(self) -> dict[str, float]:
        """Share of each kind of sample."""
        if self.kinds:
            return dict(self.kinds)
        return {"ar": 1 - self.infill_probability, "infill": self.infill_probability}

    @classmethod
    def from_file(cls, path: str | Path, **changes: Any) -> TrainConfig:
        """Read a JSON or YAML file; unknown keys are ignored, ``changes`` replace what it says.

        Raises:
            ValueError: not an object, or a value outside its range.
        """
        path = Path(path)
        data = _parse(path)
        known: dict[str, Any] = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        for name in ("encoder_config_path", "init_from"):
            if known.get(name):
                known[name] = str(path.parent / known[name])
        known |= changes
        if not known.get("encoder_config_path"):
            raise ValueError(f"{path}: encoder_config_path is missing")
        if "windows" in known:
            known["windows"] = {int(bars): share for bars, share in known["windows"].items()}
        for name in ("licences", "exclude_sources"):
            known[name] = tuple(known.get(name, ()))
        try:
            return cls(**known)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None


def _parse(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".yaml", ".yml"):
        import yaml

        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not YAML: {error}") from None
    else:
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: an object with the settings is wanted")
    return data
