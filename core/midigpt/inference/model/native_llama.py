"""Llama folders of Hugging Face on the native engine: one file or several, tied head or not."""

from __future__ import annotations

import os

from midigpt import _native
from midigpt.inference.model.llama_folder import LlamaConfig, open_llama
from midigpt.inference.model.native import NativeModel, Weights

#: A scaling that changes nothing.
_PLAIN = _native.RopeScaling(
    factor=1.0, low_frequency_factor=1.0, high_frequency_factor=4.0, original_positions=8192
)


def load_llama(
    folder: str | os.PathLike[str],
    n_positions: int = 2048,
    weights: Weights = "int8",
    threads: int | None = None,
    cache_directory: str | os.PathLike[str] | None = None,
) -> NativeModel:
    """Load ``config.json`` and the safetensors file or files of a ``LlamaForCausalLM``.

    Args:
        folder: as Hugging Face writes it; see :func:`open_llama`.
        n_positions: room for tokens in a cache, 1 .. the model's ``max_position_embeddings``.
        weights: see :meth:`NativeModel.from_checkpoint`.
        threads: likewise.
        cache_directory: likewise.

    Raises:
        ValueError: the configuration is not one of a Llama this engine runs; or, as
            CheckpointError, a file is damaged or a tensor is missing or misshapen.
        OSError: a file cannot be read.
    """
    found = open_llama(folder)
    shape = llama_shape(found.config, n_positions)
    return NativeModel.from_files(found.files, shape, weights, threads, cache_directory)


def llama_shape(config: LlamaConfig, n_positions: int) -> _native.ModelShape:
    """Sizes for the engine; ValueError if ``n_positions`` exceeds the model's."""
    if not 1 <= n_positions <= config.n_positions:
        raise ValueError(f"n_positions is {n_positions}; 1..{config.n_positions} is wanted")
    scaling = config.rope_scaling
    return _native.ModelShape(
        family=_native.Family.LLAMA,
        vocab_size=config.vocab_size,
        n_positions=n_positions,
        width=config.hidden_size,
        inner=config.intermediate_size,
        n_layer=config.n_layer,
        n_head=config.n_head,
        n_kv_head=config.n_kv_head,
        head_size=config.head_dim,
        norm_eps=config.norm_eps,
        rope_theta=config.rope_theta,
        rope_scaling=_PLAIN
        if scaling is None
        else _native.RopeScaling(
            factor=scaling.factor,
            low_frequency_factor=scaling.low_freq_factor,
            high_frequency_factor=scaling.high_freq_factor,
            original_positions=scaling.original_positions,
        ),
    )
