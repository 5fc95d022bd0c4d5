"""``train``: one run of training, from Parquet files to a packed checkpoint."""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from collections.abc import Sequence
from datetime import timedelta
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midigpt.encoder_config import EncoderConfig
from midigpt.training.config import TrainConfig
from midigpt.training.dataset import Dataset, make_dataset
from midigpt.training.encoders import load_encoder_config

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import Trainer

    from midigpt.inference.model import TransformerLMBase

log = logging.getLogger(__name__)

Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_PRECISIONS = {"fp16": "16-mixed", "bf16": "bf16-mixed", "fp32": "32-true"}


def train(
    config: TrainConfig,
    train_path: Files,
    eval_path: Files | None = None,
    resume_from: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Path:
    """Train a model; return the path of its checkpoint, ``output_dir/model_final.safetensors``.

    ``output_dir`` also gets ``metrics.jsonl`` and ``checkpoints/`` to resume from.

    Args:
        config: the settings.
        train_path, eval_path: Parquet files of music, or patterns such as ``data/*.parquet``; see
            :func:`midigpt.training.corpus.load_corpus`.
        resume_from: a ``.ckpt`` file of an earlier run with the same settings; "auto" = the last
            one in ``output_dir`` if there is one.
        quiet: no progress bar.

    Raises:
        ValueError: no music, or settings that do not fit the encoder.
        OSError: a file cannot be read or written.
        ImportError: the extra "train" is not installed.
    """
    _silence()
    output = Path(config.output_dir)
    resume = _checkpoint_to_resume(output, resume_from)
    passes = config.num_epochs if not config.train_tokens else 1
    training = make_dataset(config, expand(train_path), config.train_tokens, max(1, passes))
    validation = make_dataset(config, expand(eval_path), config.valid_tokens) if eval_path else None
    output.mkdir(parents=True, exist_ok=True)
    return _fit(config, training, validation, output, resume, quiet)


def _fit(
    config: TrainConfig,
    training: Dataset,
    validation: Dataset | None,
    output: Path,
    resume: Path | None,
    quiet: bool,
) -> Path:
    import torch
    from lightning.pytorch import Trainer, seed_everything
    from torch.utils.data import DataLoader

    from midigpt.training.batches import Checks, Steps
    from midigpt.training.callbacks import Saver, save_packed
    from midigpt.training.learner import Learner

    seed_everything(config.seed, verbose=False)
    encoder_config = load_encoder_config(config.encoder_config_path)
    model = first_model(config, encoder_config)
    on_cpu = config.accelerator == "cpu" or not (
        torch.cuda.is_available() or torch.backends.mps.is_available()
    )
    threads = config.threads or os.cpu_count() or 1
    alone = (
        on_cpu
        and config.devices in ("auto", 1)
        and config.strategy == "auto"
        and config.num_nodes == 1
    )
    precision = cpu_precision(config.precision) if on_cpu else config.precision
    steps = Steps(training, config, threads if alone else 0)
    total = config.max_steps
    if not total and not config.max_minutes:
        epochs = config.num_epochs if config.train_tokens else 1
        total = epochs * steps.steps_of_an_epoch(_processes(config))
    learner = Learner(model, config, steps, total, threads if alone else 0, _autocast(precision))
    accumulated = 1 if alone else steps.passes_per_step
    saver = Saver(output, encoder_config, config.save_steps, config.save_minutes)
    trainer = Trainer(
        accelerator="cpu" if on_cpu else config.accelerator,
        devices=1 if alone else config.devices,
        num_nodes=config.num_nodes,
        strategy=config.strategy,
        precision="32-true" if alone else _PRECISIONS[precision],  # type: ignore[arg-type]
        max_steps=total or -1,
        max_epochs=-1,
        accumulate_grad_batches=accumulated,
        gradient_clip_val=config.max_grad_norm or None,
        logger=_loggers(config, output),
        log_every_n_steps=1,
        callbacks=[saver],
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=not quiet,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if validation is not None else 0,
        check_val_every_n_epoch=None,
        val_check_interval=timedelta(minutes=config.eval_minutes)
        if config.eval_minutes
        else config.eval_steps * accumulated,
        use_distributed_sampler=False,
    )
    checks = DataLoader(Checks(validation, config), batch_size=None) if validation else None
    own_threads = torch.get_num_threads()
    if alone:
        torch.set_num_threads(1)  # the workers have the cores
    try:
        trainer.fit(
            learner,
            DataLoader(steps, batch_size=None),
            checks,
            ckpt_path=resume,
            weights_only=True,
        )
    finally:
        torch.set_num_threads(own_threads)
    path = output / "model_final.safetensors"
    if trainer.is_global_zero:
        _raise_if_interrupted(trainer)
        save_packed(learner, path, encoder_config)
    return path


def _processes(config: TrainConfig) -> int:
    """How many train together, as far as the configuration says."""
    devices = str(config.devices)
    return config.num_nodes * (int(devices) if devices.isdigit() else 1)


def first_model(config: TrainConfig, encoder_config: EncoderConfig) -> TransformerLMBase:
    """The model as training begins: of random weights, or those of ``init_from``.

    Raises:
        ValueError: the sizes of ``init_from`` do not fit the encoder.
    """
    from midigpt.inference.model import GPT2Config, GPT2LMHeadModel
    from midigpt.tokenizer import Tokenizer
    from midigpt.training.lora import add_lora

    vocab_size = Tokenizer(encoder_config).vocab_size()
    if config.init_from:
        model: TransformerLMBase = GPT2LMHeadModel.from_pretrained(config.init_from)
        if model.vocab_size != vocab_size:
            raise ValueError(
                f"init_from is {config.init_from} with {model.vocab_size} token ids; "
                f"the encoder has {vocab_size}"
            )
        if model.n_positions < config.max_seq_len:
            raise ValueError(
                f"max_seq_len is {config.max_seq_len}; the model's context is {model.n_positions}"
            )
    else:
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size, config.max_seq_len, config.n_embd, config.n_layer, config.n_head)
        )
    if config.lora_rank:
        add_lora(model, config.lora_rank)
    return model.train()


def cpu_precision(wanted: str) -> str:
    """``wanted`` if this CPU multiplies matrices of such numbers at speed, otherwise "fp32"."""
    import torch

    if wanted == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        wanted = "fp32"
    if wanted == "fp16":  # needs a loss scale, which Lightning has on GPUs alone
        wanted = "fp32"
    return wanted


def expand(files: Files) -> list[Path]:
    """The files that paths or patterns name, sorted.

    Raises:
        FileNotFoundError: none.
    """
    patterns = [files] if isinstance(files, str | os.PathLike) else list(files)
    found = [Path(path) for pattern in patterns for path in sorted(glob(os.fspath(pattern)))]
    if not found:
        raise FileNotFoundError(f"no file is named {', '.join(map(str, patterns))}")
    return found


def _autocast(precision: str) -> torch.dtype:
    import torch

    return torch.bfloat16 if precision == "bf16" else torch.float32


def _checkpoint_to_resume(output: Path, wanted: str | os.PathLike[str] | None) -> Path | None:
    if wanted is None:
        return None
    if os.fspath(wanted) != "auto":
        path = Path(wanted)
        if not path.is_file():
            raise FileNotFoundError(f"resume_from is {str(path)!r}; it is not there")
        return path
    from midigpt.training.callbacks import by_step

    found = by_step(output / "checkpoints", "step=*.ckpt")
    return found[-1] if found else None


def _loggers(config: TrainConfig, output: Path) -> list[Any]:
    from midigpt.training.callbacks import JsonLines

    loggers: list[Any] = [JsonLines(output)]
    if config.logger == "tensorboard":
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(output, name="tensorboard", version=""))
    elif config.logger == "wandb":
        from lightning.pytorch.loggers import WandbLogger

        loggers.append(
            WandbLogger(
                project=config.wandb_project,
                entity=config.wandb_entity or None,
                save_dir=output,
            )
        )
    return loggers


def _raise_if_interrupted(trainer: Trainer) -> None:
    if trainer.interrupted:
        raise KeyboardInterrupt


def _silence() -> None:
    """Lightning's advice is for its own users."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*litlogger.*",
        ".*isinstance.treespec.*",
        ".*no `val_dataloader`.*",
    ):
        warnings.filterwarnings("ignore", text)


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m midigpt.training.trainer`` with the arguments of MIDI-GPT 0.4.2."""
    parser = argparse.ArgumentParser(
        prog="python -m midigpt.training.trainer", description=main.__doc__
    )
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.add_argument("--train-data", required=True, metavar="GLOB")
    parser.add_argument("--eval-data", metavar="GLOB")
    parser.add_argument("--output-dir", metavar="FOLDER")
    parser.add_argument("--grad-accum", type=int, metavar="N")
    parser.add_argument("--resume-from", metavar="CKPT|auto")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    changes: dict[str, Any] = {}
    if options.output_dir:
        changes["output_dir"] = options.output_dir
    if options.grad_accum is not None:
        changes["gradient_accumulation_steps"] = options.grad_accum
    try:
        config = TrainConfig.from_file(options.config, **changes)
        print(train(config, options.train_data, options.eval_data, options.resume_from))
    except (ValueError, OSError, ImportError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
