"""Tiny random-weight models, of numpy alone, that write short bars."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from midigpt._native import TokenType
from midigpt.encoder_config import EncoderConfig
from midigpt.inference.model.gpt2_config import GPT2Config, tensor_shapes
from midigpt.tokenizer.tokenizer import Tokenizer

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"
#: Added to the logits of the ends of bars and fill blocks.
HASTE = 6.0


def write_tiny_checkpoint(
    path: Path, encoder: str, n_positions: int = 1024, seed: int = 0, haste: float = HASTE
) -> Path:
    """Write a checkpoint of format 2 for a published encoder.

    One coordinate of the last layer norm is constant; it carries the haste to end a bar.
    """
    text = (ENCODERS / f"{encoder}.json").read_text()
    vocabulary = Tokenizer(EncoderConfig.from_json(text)).vocabulary
    config = GPT2Config(vocabulary.size(), n_positions, n_embd=32, n_layer=2, n_head=4)
    rng = np.random.default_rng(seed)
    tensors = {
        name: rng.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in tensor_shapes(config).items()
    }
    tensors["transformer.ln_f.weight"][0] = 0
    tensors["transformer.ln_f.bias"][0] = 1
    tensors["lm_head.weight"][:, 0] = 0
    for kind in (TokenType.BarEnd, TokenType.FillInEnd):
        first, _ = vocabulary.range(kind)
        tensors["lm_head.weight"][first, 0] = haste
    metadata = {
        "format_version": "2",
        "arch": "gpt2",
        "config": json.dumps(vars(config)),
        "encoder_config": text,
    }
    save_file(tensors, path, metadata)
    return path
