"""Checkpoint files: which format a path has, and what its header says; free of PyTorch.

========================  ==========================================================
path                      format
========================  ==========================================================
``*.safetensors``         format 2: tensors, with sizes and encoder in the metadata
``*.pt``                  format 1: a pickled dictionary (read with a restricted unpickler)
a directory               legacy: ``config.json`` (the encoder) and ``model.pt`` (TorchScript)
========================  ==========================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midigpt.encoder_config import EncoderConfig
from midigpt.inference.model.gpt2_config import (
    OTHER_TENSORS,
    TENSORS_PER_LAYER,
    GPT2Config,
    tensor_shapes,
)
from midigpt.inference.model.registry import SAFETENSORS_FORMAT_VERSION
from midigpt.inference.model.safetensors_header import (
    CheckpointError,
    TensorEntry,
    read_safetensors_header,
)
from midigpt.inference.model.torch_extra import import_with_torch

if TYPE_CHECKING:
    from midigpt.inference.model.transformer_lm import TransformerLMBase

#: Endings of buffers that Hugging Face once stored beside the weights; they carry nothing.
_IGNORED = (".attn.bias", ".attn.masked_bias")


@dataclass
class CheckpointBundle:
    """A loaded checkpoint. ``model_path`` is set for legacy directories: the TorchScript file."""

    encoder_config: EncoderConfig
    model_path: str | None = None
    model: TransformerLMBase | None = None


@dataclass(frozen=True)
class CheckpointHeader:
    """What a format-2 file says of itself; the names and shapes of ``tensors`` fit ``config``.

    ``encoder_config`` is the parsed JSON, or None in a file without one.
    """

    arch: str
    config: dict[str, Any]
    encoder_config: dict[str, Any] | None
    tensors: dict[str, TensorEntry]


def load_checkpoint(
    path: str | os.PathLike[str],
    device: str | None = None,
    threads: int | None = None,
) -> CheckpointBundle:
    """Load a checkpoint of any format, with its model in PyTorch, in float32.

    Args:
        path: a file or a directory, see the head of this file.
        device: None or "cpu"; "auto" = CUDA, MPS or CPU, whichever is there first; or a name.
        threads: CPU threads that PyTorch may use, for the whole process; None leaves them alone.

    Raises:
        ValueError: the path does not exist or is of no known kind; or, as CheckpointError, the
            checkpoint is damaged, inconsistent, of an unknown version or without encoder.
        FileNotFoundError: one of the two files of a legacy directory is missing.
        RuntimeError: the device is not available.
        ImportError: PyTorch is not installed.
    """
    file = Path(path)
    if not file.is_dir() and not (file.is_file() and file.suffix in (".safetensors", ".pt")):
        raise ValueError(
            f"path is {str(file)!r}; an existing .safetensors or .pt file, or a directory with "
            "config.json and model.pt, is wanted"
        )
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}; at least 1 is wanted")
    torch_side = import_with_torch("midigpt.inference.model.torch_checkpoint")
    if threads is not None:
        torch_side.set_threads(threads)
    if file.is_dir():
        return _load_directory(file, device, torch_side)
    packed = torch_side.load_packed(file, device)
    if packed.encoder_config is None:
        raise CheckpointError(f"{file} has no encoder_config, so it cannot be used for music")
    return CheckpointBundle(_encoder(file, packed.encoder_config), None, packed.model)


def _load_directory(folder: Path, device: str | None, torch_side: Any) -> CheckpointBundle:
    config, model = folder / "config.json", folder / "model.pt"
    for file in (config, model):
        if not file.is_file():
            raise FileNotFoundError(f"{folder} has no {file.name}")
    encoder = parse_encoder(config, config.read_text(encoding="utf-8", errors="replace"))
    if encoder is None:
        raise CheckpointError(f"{config} is empty")
    return CheckpointBundle(
        _encoder(config, encoder), str(model), torch_side.load_scripted(model, device)
    )


def read_checkpoint_header(path: str | os.PathLike[str]) -> CheckpointHeader:
    """Read what a format-2 file says of itself, without its tensors and without PyTorch.

    For the architecture "gpt2" the tensors are checked against the configuration; buffers that
    Hugging Face stores beside the weights are left out.

    Raises:
        CheckpointError: damaged, of another version, or inconsistent.
        OSError: the file cannot be read.
    """
    file = Path(path)
    header = read_safetensors_header(file)
    metadata = header.metadata
    version = metadata.get("format_version")
    if version != str(SAFETENSORS_FORMAT_VERSION):
        raise CheckpointError(
            f"{file} has format_version {version!r}; '{SAFETENSORS_FORMAT_VERSION}' is wanted"
        )
    if "config" not in metadata:
        raise CheckpointError(f"{file} has no config")
    config = _json_object(file, "config", metadata["config"])
    if config is None:
        raise CheckpointError(f"{file} has no config")
    arch = metadata.get("arch", "gpt2")
    tensors = without_ignored(header.tensors)
    if arch == "gpt2":
        check_tensors(file, config, {name: entry.shape for name, entry in tensors.items()})
    encoder = parse_encoder(file, metadata.get("encoder_config", "null"))
    return CheckpointHeader(arch, config, encoder, tensors)


def without_ignored(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the buffers of Hugging Face that are no weights (defect tag D25)."""
    return {name: value for name, value in tensors.items() if not name.endswith(_IGNORED)}


def check_tensors(
    file: Path, config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> GPT2Config:
    """Check names and shapes against the sizes of a GPT-2, before anything is allocated.

    Raises:
        CheckpointError: a size is unusable; a tensor is missing, surplus or of another shape.
    """
    try:
        sizes = GPT2Config.from_dict(config)
    except ValueError as error:
        raise CheckpointError(f"{file}: config: {error}") from None
    count = TENSORS_PER_LAYER * sizes.n_layer + OTHER_TENSORS
    if sizes.n_layer > len(shapes):
        raise CheckpointError(f"{file} has {len(shapes)} tensors; its config needs {count}")
    wanted = tensor_shapes(sizes)
    _refuse(file, "lacks", wanted.keys() - shapes.keys())
    _refuse(file, "has the unexpected", shapes.keys() - wanted.keys())
    for name, shape in wanted.items():
        if tuple(shapes[name]) != shape:
            raise CheckpointError(
                f"{file}: {name} has shape {tuple(shapes[name])}; its config needs {shape}"
            )
    return sizes


def parse_encoder(file: Path, value: object) -> dict[str, Any] | None:
    """Parse an encoder configuration: an object, JSON text, or JSON text inside JSON text."""
    for _ in range(2):
        if isinstance(value, str):
            value = _json(file, "encoder_config", value)
    if value is not None and not isinstance(value, dict):
        raise CheckpointError(f"{file}: encoder_config is not a JSON object")
    return value


def _encoder(file: Path, data: dict[str, Any]) -> EncoderConfig:
    try:
        return EncoderConfig.from_dict(data)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"{file}: encoder_config: {error}") from None


def _refuse(file: Path, what: str, names: Iterable[str]) -> None:
    if found := sorted(names):
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise CheckpointError(f"{file} {what} tensor {found[0]!r}{others}")


def _json_object(file: Path, key: str, text: str) -> dict[str, Any] | None:
    value = _json(file, key, text)
    if value is not None and not isinstance(value, dict):
        raise CheckpointError(f"{file}: {key} is not a JSON object")
    return value


def _json(file: Path, key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{file}: {key} is not JSON") from None
