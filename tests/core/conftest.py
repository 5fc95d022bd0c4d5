"""Fixtures of the core's tests."""

from pathlib import Path

import pytest
from tiny_model import write_tiny_checkpoint

from midigpt.inference import InferenceEngine


@pytest.fixture(scope="session")
def tiny_engine(tmp_path_factory: pytest.TempPathFactory):
    """Makes engines of tiny random models: ``tiny_engine("yellow", n_positions=256)``."""
    folder: Path = tmp_path_factory.mktemp("models")
    engines: dict[tuple, InferenceEngine] = {}

    def make(encoder: str = "yellow", **sizes) -> InferenceEngine:
        key = (encoder, *sorted(sizes.items()))
        if key not in engines:
            path = write_tiny_checkpoint(folder / f"{len(engines)}.safetensors", encoder, **sizes)
            engines[key] = InferenceEngine.from_checkpoint(path)
        return engines[key]

    return make
