"""Fine-tuning: go on training a checkpoint on a few pieces of one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from midigpt.training.build import Built, build_dataset
from midigpt.training.config import TrainConfig
from midigpt.training.trainer import train

_RATES = {"lora": 2e-3, "full": 3e-4}
_KINDS = {"live": 0.7, "ar": 0.15, "infill": 0.15}
_BATCH_TOKENS = 4096


def finetune(
    folder: str | Path,
    output: str | Path,
    model: str | Path,
    work: str | Path | None = None,
    minutes: float = 10.0,
    steps: int = 0,
    rank: int = 16,
    learning_rate: float | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> tuple[Path, Built]:
    """Train a checkpoint on the MIDI files of a folder; return the new one, and what was read.

    Args:
        folder: MIDI files, in folders of any depth.
        output: the checkpoint to write (.safetensors).
        model: the checkpoint to start from.
        work: folder for what the run can be resumed from; by default ``output`` without its ending.
        minutes: wall time.
        steps: optimiser steps instead; 0 = by time.
        rank: of LoRA's matrices; 0 = train all weights.
        learning_rate: by default 0.002 for LoRA, 0.0003 for all weights.
        resume: go on with the interrupted run in ``work``.
        quiet: no progress bar.

    Raises:
        ValueError: no MIDI file that can be used, or settings out of range.
        OSError: a file cannot be read or written.
    """
    output = Path(output)
    if output.suffix != ".safetensors":
        raise ValueError(f"output is {str(output)!r}; a name ending in .safetensors is wanted")
    if rank < 0:
        raise ValueError(f"rank is {rank}; 0 or more is wanted")
    work = Path(work) if work else output.with_suffix("")
    work.mkdir(parents=True, exist_ok=True)
    data = work / "music.parquet"
    built = Built()
    if not (resume and data.exists()):  # the same music, even if the folder has changed
        built = build_dataset(folder, data, "LicenseRef-own", quiet=quiet)
    config = _config(Path(model), work, rank)
    config = replace(
        config,
        max_minutes=0.0 if steps else minutes,
        max_steps=steps,
        learning_rate=learning_rate or config.learning_rate,
    )
    made = train(config, data, resume_from="auto" if resume else None, quiet=quiet)
    made.replace(output)
    return output, built


def _config(model: Path, work: Path, rank: int) -> TrainConfig:
    """Settings that suit a few dozen pieces and a few minutes."""
    from midigpt.inference.model import read_checkpoint_header
    from midigpt.inference.model.gpt2_config import GPT2Config

    header = read_checkpoint_header(model)
    sizes = GPT2Config.from_dict(header.config)
    encoder = header.encoder_config or {}
    path = work / "encoder.json"
    path.write_text(json.dumps(encoder))
    kinds = dict(_KINDS) if encoder.get("supports_infill") else {"live": 0.8, "ar": 0.2}
    return TrainConfig(
        output_dir=str(work),
        encoder_config_path=str(path),
        init_from=str(model),
        n_embd=sizes.n_embd,
        n_layer=sizes.n_layer,
        n_head=sizes.n_head,
        max_seq_len=sizes.n_positions,
        kinds=kinds,
        min_fill_ratio=0.0,
        num_epochs=40,
        learning_rate=_RATES["lora" if rank else "full"],
        lora_rank=rank,
        warmup_steps=0,
        warmup_ratio=0.05,
        batch_tokens=_BATCH_TOKENS,
        micro_batch_tokens=2048,
        target_weight=2.0,
        precision="bf16",
        mask_apply_probability=0.15,
        max_sample_tokens=min(1536, sizes.n_positions),
        save_steps=100,
        save_minutes=1.0,
        logging_steps=5,
    )
