"""Tiny random-weight checkpoints in the published format, written with numpy alone.

The output head favours BarEnd so that bars are short and tests are quick. MIDI-GPT 0.4.2 reads the
same files, so replies recorded from it and ours come from equal weights.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"
VOCABULARY_SIZES = {"yellow": 647, "ghost": 650, "prism": 843, "expressive": 964}
BAR_END = {"yellow": 6, "ghost": 6, "prism": 24, "expressive": 24}


def write_tiny_checkpoint(
    path: Path,
    encoder: str,
    n_positions: int = 2048,
    n_embd: int = 32,
    n_layer: int = 2,
    n_head: int = 4,
    seed: int = 0,
) -> Path:
    rng = np.random.default_rng(seed)
    vocab_size = VOCABULARY_SIZES[encoder]

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0.0, 0.3, shape).astype(np.float32)

    tensors = {
        "transformer.wte.weight": normal(vocab_size, n_embd),
        "transformer.wpe.weight": normal(n_positions, n_embd),
        "transformer.ln_f.weight": normal(n_embd),
        "transformer.ln_f.bias": normal(n_embd),
        "lm_head.weight": normal(vocab_size, n_embd),
    }
    for layer in range(n_layer):
        block = f"transformer.h.{layer}"
        for name, rows, columns in (
            ("attn.c_attn", n_embd, 3 * n_embd),
            ("attn.c_proj", n_embd, n_embd),
            ("mlp.c_fc", n_embd, 4 * n_embd),
            ("mlp.c_proj", 4 * n_embd, n_embd),
        ):
            tensors[f"{block}.{name}.weight"] = normal(rows, columns)
            tensors[f"{block}.{name}.bias"] = normal(columns)
        for name in ("ln_1", "ln_2"):
            tensors[f"{block}.{name}.weight"] = normal(n_embd)
            tensors[f"{block}.{name}.bias"] = normal(n_embd)
    # an offset of 4.5 logits for BarEnd: about one note in five closes its bar
    towards_end = tensors["lm_head.weight"][BAR_END[encoder]]
    bias = tensors["transformer.ln_f.bias"]
    bias += (4.5 - bias @ towards_end) * towards_end / (towards_end @ towards_end)
    config = {
        "vocab_size": vocab_size,
        "n_positions": n_positions,
        "n_embd": n_embd,
        "n_layer": n_layer,
        "n_head": n_head,
    }
    metadata = {
        "format_version": "2",
        "arch": "gpt2",
        "config": json.dumps(config),
        "encoder_config": (ENCODERS / f"{encoder}.json").read_text(),
    }
    save_file(tensors, path, metadata)
    return path
