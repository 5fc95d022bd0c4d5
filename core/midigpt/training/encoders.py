"""The encoder configuration of a training run: a file of its own, or one inside a checkpoint."""

from __future__ import annotations

from pathlib import Path

from midigpt.encoder_config import EncoderConfig


def load_encoder_config(path: str | Path) -> EncoderConfig:
    """Read a JSON file, or the configuration embedded in a checkpoint (.safetensors, .pt).

    Raises:
        ValueError: no encoder configuration.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        from midigpt.inference.model import read_checkpoint_header

        data = read_checkpoint_header(path).encoder_config
        if data is None:
            raise ValueError(f"{path} has no encoder_config")
        return EncoderConfig.from_dict(data)
    if path.suffix == ".pt":
        from midigpt.inference.model import load_checkpoint

        return load_checkpoint(path).encoder_config
    return EncoderConfig.from_json(path.read_text(encoding="utf-8"))
