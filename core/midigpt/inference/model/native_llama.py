"""Llama folders of Hugging Face on the native engine: one file or several, tied head or not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midigpt import _native
from midigpt.inference.model.native import NativeModel, Weights


def load_llama(
    folder: str | os.PathLike[str],
    n_positions: int = 2048,
    weights: Weights = "int8",
    threads: int | None = None,
    cache_directory: str | os.PathLike[str] | None = None,
) -> NativeModel:
    """Load ``config.json`` and the safetensors file or files of a ``LlamaForCausalLM``.

    Args:
        folder: as Hugging Face writes it. Without ``lm_head.weight`` the head is the embedding.
        n_positions: room for tokens in a cache, 1 .. the model's ``max_position_embeddings``.
        weights: see :meth:`NativeModel.from_checkpoint`.
        threads: likewise.
        cache_directory: likewise.

    Raises:
        ValueError: the configuration is not one of a Llama this engine runs.
        RuntimeError: a file is damaged; a tensor is missing or misshapen.
        OSError: a file cannot be read.
    """
    path = Path(folder)
    shape = llama_shape(json.loads((path / "config.json").read_text()), n_positions)
    return NativeModel.from_files(_files(path), shape, weights, threads, cache_directory)


def llama_shape(config: Mapping[str, Any], n_positions: int) -> _native.ModelShape:
    """Sizes from ``config.json``, in the dialect of transformers 4 or 5."""
    if config.get("model_type") != "llama":
        raise ValueError(f"model_type is {config.get('model_type')!r}; 'llama' is wanted")
    if config.get("hidden_act", "silu") != "silu":
        raise ValueError(f"hidden_act is {config['hidden_act']!r}; 'silu' is wanted")
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise ValueError("attention_bias and mlp_bias must be false")
    longest = int(config.get("max_position_embeddings", 2048))
    if not 1 <= n_positions <= longest:
        raise ValueError(f"n_positions is {n_positions}; 1..{longest} is wanted")
    heads = int(config["num_attention_heads"])
    width = int(config["hidden_size"])
    rope = config.get("rope_parameters") or {
        "rope_theta": config.get("rope_theta", 10000.0),
        **(config.get("rope_scaling") or {}),
    }
    return _native.ModelShape(
        family=_native.Family.LLAMA,
        vocab_size=int(config["vocab_size"]),
        n_positions=n_positions,
        width=width,
        inner=int(config["intermediate_size"]),
        n_layer=int(config["num_hidden_layers"]),
        n_head=heads,
        n_kv_head=int(config.get("num_key_value_heads") or heads),
        head_size=int(config.get("head_dim") or width // heads),
        norm_eps=float(config.get("rms_norm_eps", 1e-6)),
        rope_theta=float(rope["rope_theta"]),
        rope_scaling=_rope_scaling(rope),
    )


def _rope_scaling(rope: Mapping[str, Any]) -> _native.RopeScaling:
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise ValueError(f"rope_type is {kind!r}; 'default' or 'llama3' is wanted")
    llama3 = kind == "llama3"
    return _native.RopeScaling(
        factor=float(rope["factor"]) if llama3 else 1.0,
        low_frequency_factor=float(rope.get("low_freq_factor", 1.0)),
        high_frequency_factor=float(rope.get("high_freq_factor", 4.0)),
        original_positions=int(rope.get("original_max_position_embeddings", 8192)),
    )


def _files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return [folder / "model.safetensors"]
    names = set(json.loads(index.read_text())["weight_map"].values())
    return [folder / name for name in sorted(names)]
