"""Scores to token ids and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midigpt.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from midigpt.tokenizer.checkpoint import CheckpointBundle, load_checkpoint

__all__ = ["CheckpointBundle", "Tokenizer", "load_checkpoint"]


def __getattr__(name: str) -> Any:
    # Inference imports this package; its checkpoint reader can only be looked up later.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from midigpt.tokenizer import checkpoint

    return getattr(checkpoint, name)
