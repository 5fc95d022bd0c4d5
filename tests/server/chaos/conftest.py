from __future__ import annotations

from pathlib import Path

import pytest
from tiny_checkpoint import write_tiny_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights that writes short bars."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "ghost.safetensors", "ghost")
