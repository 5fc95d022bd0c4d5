"""Model shapes of the benchmarks, as checkpoints with random weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from midigpt.inference.model.gpt2_config import GPT2Config, tensor_shapes

ENCODER = Path(__file__).parents[1] / "models/encoders/yellow.json"

SHAPES = {
    "5.6M": GPT2Config(n_embd=256, n_layer=6, n_head=4),
    "21M": GPT2Config(n_embd=512, n_layer=6, n_head=8),
    "87M": GPT2Config(n_embd=768, n_layer=12, n_head=12),
}


def checkpoint(shape: str, folder: Path) -> Path:
    """A checkpoint that both MIDI-GPT 0.4.2 and this project load; written once."""
    path = folder / f"{shape}.safetensors"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    config = SHAPES[shape]
    rng = np.random.default_rng(0)
    tensors = {
        name: rng.normal(0, 0.05, size).astype(np.float32)
        for name, size in tensor_shapes(config).items()
    }
    metadata = {
        "format_version": "2",
        "arch": "gpt2",
        "config": json.dumps(asdict(config)),
        "encoder_config": ENCODER.read_text(),
    }
    save_file(tensors, path, metadata)
    return path
