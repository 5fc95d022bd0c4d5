"""What a run writes while it goes on: metrics as JSON lines, and checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from midigpt.encoder_config import EncoderConfig
from midigpt.training.learner import Learner
from midigpt.training.lora import merged_weights

_KEPT = 2  # checkpoints to resume from


class JsonLines(Logger):
    """Writes each set of metrics as one line of ``metrics.jsonl``.

    A resumed run replaces the lines that its interrupted self wrote after the checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file, self._cut = folder / "metrics.jsonl", False
        self._last = ""

    @property
    def name(self) -> str:
        """Of the logger."""
        return "jsonl"

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """The configuration file has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append a line."""
        values = {k: round(float(v), 6) for k, v in metrics.items() if k != "epoch"}
        if not values:
            return
        step = int(step or 0)
        if not self._cut and self._file.exists():
            lines = self._file.read_text().splitlines()
            earlier = [line for line in lines if json.loads(line)["step"] < step]
            self._file.write_text("".join(line + "\n" for line in earlier))
        self._cut = True
        line = json.dumps({"step": step, **values})
        if line != self._last:  # Lightning tells what was logged again in each step that follows
            with open(self._file, "a") as file:
                file.write(line + "\n")
        self._last = line


class Saver(Callback):
    """Saves what a run can be resumed from, and the weights alone as a packed checkpoint.

    ``checkpoints/step=N.ckpt`` and ``checkpoints/model-step=N.safetensors``; the last two are kept.
    """

    def __init__(
        self, folder: Path, encoder_config: EncoderConfig, steps: int, minutes: float
    ) -> None:
        self._folder, self._encoder_config = folder / "checkpoints", encoder_config
        self._steps, self._minutes = steps, minutes
        self._saved_step, self._saved_at = 0, time.monotonic()

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Save what the steps before have done, if it is time; they are in the metrics now."""
        step = trainer.global_step
        if step == self._saved_step or step == 0:
            return
        by_clock = self._minutes and time.monotonic() - self._saved_at >= 60 * self._minutes
        if by_clock or step % self._steps == 0:
            self.save(trainer, module)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Save the end."""
        if trainer.global_step != self._saved_step:
            self.save(trainer, module)

    def save(self, trainer: Trainer, module: LightningModule) -> None:
        """Save now."""
        assert isinstance(module, Learner)
        self._saved_step, self._saved_at = trainer.global_step, time.monotonic()
        trainer.save_checkpoint(self._folder / f"step={self._saved_step}.ckpt")
        if not trainer.is_global_zero:
            return
        packed = self._folder / f"model-step={self._saved_step}.safetensors"
        save_packed(module, packed, self._encoder_config)
        for pattern in ("step=*.ckpt", "model-step=*.safetensors"):
            for old in by_step(self._folder, pattern)[:-_KEPT]:
                old.unlink()


def save_packed(learner: Learner, path: Path, encoder_config: EncoderConfig) -> None:
    """Write the weights as a checkpoint of format 2, in 16 bits; loaders convert to float32."""
    model = type(learner.model).from_config(learner.model.config)
    model.load_state_dict(merged_weights(learner.model))
    partial = path.with_suffix(".partial")
    model.half().save_pretrained(partial, encoder_config=encoder_config)
    partial.replace(path)


def by_step(folder: Path, pattern: str) -> list[Path]:
    """Files ``…step=N.…``, the earliest first."""
    return sorted(folder.glob(pattern), key=lambda path: int(path.stem.rpartition("=")[2]))
