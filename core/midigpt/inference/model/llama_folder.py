"""Llama checkpoints as Hugging Face writes them: a folder or a hub name; free of PyTorch.

A folder holds ``config.json``, ``model.safetensors`` (or shards with an index) and, for text,
``tokenizer.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midigpt.inference.model.safetensors_header import CheckpointError, read_safetensors_header


@dataclass(frozen=True)
class RopeScaling:
    """Stretch of the rotary wavelengths, Llama 3.1's rule ("llama3")."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_positions: int


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama; ``rope_scaling`` is None for plain rotary positions."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    n_layer: int
    n_head: int
    n_kv_head: int
    head_dim: int
    n_positions: int
    norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    tied: bool = False

    @classmethod
    def from_hugging_face(cls, config: Mapping[str, Any]) -> LlamaConfig:
        """Read ``config.json``, in the dialect of transformers 4 or 5.

        Raises:
            ValueError: the model is no Llama, or one with biases, another activation or another
                scaling of positions; a size is missing or does not fit the others.
        """
        if config.get("model_type") != "llama":
            raise ValueError(f"model_type is {config.get('model_type')!r}; 'llama' is wanted")
        if config.get("hidden_act", "silu") != "silu":
            raise ValueError(f"hidden_act is {config['hidden_act']!r}; 'silu' is wanted")
        if config.get("attention_bias") or config.get("mlp_bias"):
            raise ValueError("attention_bias and mlp_bias must be false")
        width, heads = _size(config, "hidden_size"), _size(config, "num_attention_heads")
        rope = config.get("rope_parameters") or {
            "rope_theta": config.get("rope_theta", 10000.0),
            **(config.get("rope_scaling") or {}),
        }
        key_heads = _size(config, "num_key_value_heads", heads)
        if heads % key_heads:
            raise ValueError(f"num_key_value_heads is {key_heads}; it must divide {heads}")
        return cls(
            vocab_size=_size(config, "vocab_size"),
            hidden_size=width,
            intermediate_size=_size(config, "intermediate_size"),
            n_layer=_size(config, "num_hidden_layers"),
            n_head=heads,
            n_kv_head=key_heads,
            head_dim=_size(config, "head_dim", width // heads),
            n_positions=_size(config, "max_position_embeddings", 2048),
            norm_eps=float(config.get("rms_norm_eps", 1e-6)),
            rope_theta=float(rope.get("rope_theta", 10000.0)),
            rope_scaling=_scaling(rope),
            tied=bool(config.get("tie_word_embeddings", False)),
        )

    def tensor_shapes(self, tied: bool) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor of a ``LlamaForCausalLM``, outputs first."""
        width, inner = self.hidden_size, self.intermediate_size
        queries, keys = self.n_head * self.head_dim, self.n_kv_head * self.head_dim
        shapes: dict[str, tuple[int, ...]] = {
            "model.embed_tokens.weight": (self.vocab_size, width),
            "model.norm.weight": (width,),
        }
        if not tied:
            shapes["lm_head.weight"] = (self.vocab_size, width)
        layer = {
            "input_layernorm": (width,),
            "self_attn.q_proj": (queries, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, queries),
            "post_attention_layernorm": (width,),
            "mlp.gate_proj": (inner, width),
            "mlp.up_proj": (inner, width),
            "mlp.down_proj": (width, inner),
        }
        for index in range(self.n_layer):
            shapes |= {
                f"model.layers.{index}.{name}.weight": shape for name, shape in layer.items()
            }
        return shapes


@dataclass(frozen=True)
class LlamaFolder:
    """A checkpoint whose tensors fit its configuration. ``tied``: the head is the embedding."""

    folder: Path
    config: LlamaConfig
    files: list[Path]
    tied: bool


def open_llama(folder: str | os.PathLike[str]) -> LlamaFolder:
    """Read the configuration, and check names and shapes of the tensors against it.

    Without ``lm_head.weight`` the head is the embedding; so it is if the configuration says so.

    Raises:
        CheckpointError: a file is damaged, or a tensor is missing or of another shape.
        ValueError: the model is not one we run, see :meth:`LlamaConfig.from_hugging_face`.
        OSError: a file cannot be read.
    """
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise FileNotFoundError(f"{path} has no config.json: it is no folder of a Llama")
    config = LlamaConfig.from_hugging_face(_json(path / "config.json"))
    files = _files(path)
    shapes = {
        name: entry.shape
        for file in files
        for name, entry in read_safetensors_header(file).tensors.items()
    }
    tied = config.tied or "lm_head.weight" not in shapes
    for name, wanted in config.tensor_shapes(tied).items():
        if name not in shapes:
            raise CheckpointError(f"{path} lacks tensor {name!r}")
        if shapes[name] != wanted:
            raise CheckpointError(
                f"{path}: {name} has shape {shapes[name]}; its config.json needs {wanted}"
            )
    return LlamaFolder(path, config, files, tied)


def find_llama(name: str, cache_dir: str | None = None) -> Path:
    """The folder of a checkpoint: a local one, or one of the hub, downloaded if need be.

    Raises:
        ValueError: no such folder, and no such repository.
        PermissionError: the repository is gated.
        ConnectionError: the hub cannot be reached, and there is no copy.
        ImportError: the package huggingface-hub is not installed.
    """
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ValueError(f"model is {name!r}; a folder, or OWNER/NAME on the hub, is wanted")
    try:
        import huggingface_hub as hub
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
    except ImportError:
        raise ImportError(
            f"the model {name!r} is no folder here, and downloading it needs the extra hub: "
            'pip install "midigpt-live[hub]"'
        ) from None
    wanted = ["*.json", "*.safetensors"]
    try:
        return Path(hub.snapshot_download(name, cache_dir=cache_dir, allow_patterns=wanted))
    except GatedRepoError:
        raise PermissionError(
            f"{name} is gated: accept its terms on https://huggingface.co/{name}, "
            "then log in with `hf auth login`"
        ) from None
    except RepositoryNotFoundError:
        raise ValueError(f"model is {name!r}; no such folder or repository") from None
    except Exception as error:  # the HTTP library below the hub has its own error types
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConnectionError(
            f"cannot download {name} ({reason}), and no copy is here; "
            "the folder of a model needs no network"
        ) from None


def _size(config: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = config.get(name)
    if value is None:
        value = default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; a positive integer is wanted")
    return value


def _scaling(rope: Mapping[str, Any]) -> RopeScaling | None:
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise ValueError(f"rope_type is {kind!r}; 'default' or 'llama3' is wanted")
    if kind == "default":
        return None
    return RopeScaling(
        factor=float(rope["factor"]),
        low_freq_factor=float(rope.get("low_freq_factor", 1.0)),
        high_freq_factor=float(rope.get("high_freq_factor", 4.0)),
        original_positions=int(rope.get("original_max_position_embeddings", 8192)),
    )


def _files(folder: Path) -> list[Path]:
    """The file with all tensors, or the shards that the index names."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"]
    names = set(_json(index).get("weight_map", {}).values())
    if not names or any(Path(name).name != name for name in names):
        raise CheckpointError(f"{index} names no files of its own folder")
    return [folder / name for name in sorted(names)]


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise CheckpointError(f"{file} is not JSON") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{file} is not a JSON object")
    return value
