"""Model shapes of the benchmarks, as checkpoints with random weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from midigpt.inference.model.gpt2_config import GPT2Config, tensor_shapes

ENCODER = Path(__file__).parents[1] / "models/encoders/yellow.json"

GPT2 = {
    "5.6M": GPT2Config(n_embd=256, n_layer=6, n_head=4),
    "21M": GPT2Config(n_embd=512, n_layer=6, n_head=8),
    "87M": GPT2Config(n_embd=768, n_layer=12, n_head=12),
}
#: Llama 3.2 1B with the vocabulary of MIDI-LLM and a tied head: 1.24 G weights.
LLAMA: dict[str, dict[str, Any]] = {
    "1.24B": {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 183286,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
}
SHAPES = [*GPT2, *LLAMA]
#: Head rows [first, last) of the slots time, duration and note of an event of MIDI-LLM, in turn.
SLOTS = [(128256, 138256), (138256, 139256), (139256, 155769)]


def checkpoint(shape: str, folder: Path) -> Path:
    """Random weights, written once.

    A ``.safetensors`` file that both MIDI-GPT 0.4.2 and this project load, or for Llama a folder
    in the layout of Hugging Face.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if shape in LLAMA:
        return _llama(LLAMA[shape], folder / shape)
    path = folder / f"{shape}.safetensors"
    if path.exists():
        return path
    config = GPT2[shape]
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


def _llama(config: dict[str, Any], folder: Path) -> Path:
    path = folder / "model.safetensors"
    if path.exists():
        return folder
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    width, inner = config["hidden_size"], config["intermediate_size"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    sizes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], width),
        "model.norm.weight": (width,),
    }
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}"
        sizes |= {
            f"{block}.input_layernorm.weight": (width,),
            f"{block}.self_attn.q_proj.weight": (width, width),
            f"{block}.self_attn.k_proj.weight": (keys, width),
            f"{block}.self_attn.v_proj.weight": (keys, width),
            f"{block}.self_attn.o_proj.weight": (width, width),
            f"{block}.post_attention_layernorm.weight": (width,),
            f"{block}.mlp.gate_proj.weight": (inner, width),
            f"{block}.mlp.up_proj.weight": (inner, width),
            f"{block}.mlp.down_proj.weight": (width, inner),
        }
    rng = np.random.default_rng(0)
    save_file(
        {
            name: (rng.random(size, dtype=np.float32) * 0.04 - 0.02).astype(np.float16)
            for name, size in sizes.items()
        },
        path,
        {"format": "pt"},
    )
    return folder
