"""The models of a command: the bar-token model of all agents, and the Llama of those that ask."""

from __future__ import annotations

import logging
from pathlib import Path

from midigpt.inference import InferenceEngine
from midigpt.inference.pretrained import bundled_llama
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.llama_backend import LlamaBackend

log = logging.getLogger(__name__)


def load_engine(checkpoint: str | None = None, device: str | None = None) -> EngineBackend:
    """The engine with a checkpoint, warm; None: the bundled one.

    Raises:
        ValueError, OSError, RuntimeError, ImportError: as :class:`InferenceEngine`.
    """
    if checkpoint is None:
        engine = InferenceEngine.from_pretrained(device=device, weights="int8")
    else:
        engine = InferenceEngine.from_checkpoint(checkpoint, device=device, weights="int8")
    engine.warmup()
    return EngineBackend(engine)


def load_llama(folder: Path | None) -> LlamaBackend | None:
    """The Llama named, or the bundled one if it can be had; raises as ``LlamaBackend.open``."""
    if folder is not None:
        return LlamaBackend.open(folder)
    bundled = bundled_llama(None)
    try:
        return LlamaBackend.open(bundled) if bundled else None
    except ImportError as missing:
        log.info("no llama agents: %s", missing)
        return None
