"""The part of reading and writing checkpoints that needs PyTorch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from midigpt.encoder_config import EncoderConfig
from midigpt.inference.model import gpt2  # noqa: F401  (registers "gpt2")
from midigpt.inference.model.checkpoint import (
    check_tensors,
    parse_encoder,
    read_checkpoint_header,
    without_ignored,
)
from midigpt.inference.model.registry import (
    PACKED_FORMAT_VERSION,
    SAFETENSORS_FORMAT_VERSION,
    arch_of,
    get_model_class,
)
from midigpt.inference.model.safetensors_header import CheckpointError
from midigpt.inference.model.torchscript import TorchScriptAdapter
from midigpt.inference.model.transformer_lm import TransformerLMBase, resolve_device


@dataclass(frozen=True)
class PackedModel:
    """A model out of one file, with the parsed encoder configuration if the file has one."""

    model: TransformerLMBase
    encoder_config: dict[str, Any] | None


def load_packed(
    path: str | os.PathLike[str],
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> PackedModel:
    """Load a ``.safetensors`` (format 2) or ``.pt`` (format 1) file; float32 by default.

    Raises as :func:`midigpt.inference.model.checkpoint.load_checkpoint`.
    """
    file, where = Path(path), resolve_device(device)
    parts = _read_pickle(file) if file.suffix == ".pt" else _read_safetensors(file)
    try:
        model_class = get_model_class(parts.arch)
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}") from None
    with torch.device("meta"):  # no memory, no random numbers: the tensors come from the file
        model: TransformerLMBase = model_class.from_config(parts.config)
    wanted = dtype or torch.float32
    state = {name: tensor.to(where, wanted, copy=True) for name, tensor in parts.state.items()}
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{file} does not fit its config: {_one_line(error)}") from None
    return PackedModel(model.eval(), parts.encoder_config)


def load_scripted(file: Path, device: str | None = None) -> TorchScriptAdapter:
    """Load the TorchScript module of a legacy directory."""
    where = resolve_device(device)
    try:
        scripted = torch.jit.load(str(file), map_location=where)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{file} is not a TorchScript module: {_one_line(error)}") from None
    scripted.eval()
    try:
        return TorchScriptAdapter(scripted)
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}") from None


def save_checkpoint(
    model: TransformerLMBase,
    path: str | os.PathLike[str],
    encoder_config: EncoderConfig | dict[str, Any] | str | None = None,
) -> None:
    """Write a checkpoint of format 2, in the model's own float type.

    The file appears complete or not at all. Without ``encoder_config`` (an object, its dictionary
    or its JSON text) it can be loaded as a model, but not used for music.

    Raises:
        ValueError: the model's class is not registered, or the encoder is not a JSON object.
        OSError: the file cannot be written.
    """
    file = Path(path)
    if isinstance(encoder_config, EncoderConfig):
        encoder_config = encoder_config.to_dict()
    metadata = {
        "format_version": str(SAFETENSORS_FORMAT_VERSION),
        "arch": arch_of(type(model)),
        "config": json.dumps(model.config),
        "encoder_config": json.dumps(parse_encoder(file, encoder_config)),
    }
    state = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    unfinished = file.with_name(file.name + ".part")
    try:
        save_file(state, unfinished, metadata)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def set_threads(threads: int) -> None:
    """Let PyTorch use this many CPU threads, in the whole process."""
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Parts:
    arch: str
    config: dict[str, Any]
    state: dict[str, Tensor]
    encoder_config: dict[str, Any] | None


def _read_safetensors(file: Path) -> _Parts:
    header = read_checkpoint_header(file)
    try:
        state = load_file(file)
    except (SafetensorError, KeyError) as error:
        raise CheckpointError(f"{file} is damaged: {_one_line(error)}") from None
    return _Parts(header.arch, header.config, without_ignored(state), header.encoder_config)


def _read_pickle(file: Path) -> _Parts:
    """Read a format-1 file; anything but tensors and plain values is refused (defect tag D18)."""
    try:
        data = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler trips over, on hostile bytes
        raise CheckpointError(
            f"{file} is damaged, or holds more than tensors and plain values: {_one_line(error)}"
        ) from None
    if not isinstance(data, dict) or "format_version" not in data or "state_dict" not in data:
        raise CheckpointError(f"{file} has no format_version or no state_dict")
    version = data["format_version"]
    if version != PACKED_FORMAT_VERSION:
        raise CheckpointError(
            f"{file} has format_version {version!r}; {PACKED_FORMAT_VERSION} is wanted"
        )
    config, state, arch = data.get("config"), data["state_dict"], data.get("arch", "gpt2")
    if not isinstance(config, dict) or not isinstance(arch, str):
        raise CheckpointError(f"{file}: config is not a dictionary, or arch is not a string")
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise CheckpointError(f"{file}: state_dict is not a dictionary of tensors")
    state = without_ignored(state)
    if arch == "gpt2":
        check_tensors(file, config, {name: tuple(tensor.shape) for name, tensor in state.items()})
    return _Parts(arch, config, state, parse_encoder(file, data.get("encoder_config")))


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
