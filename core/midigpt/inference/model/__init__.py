"""Language models behind one interface, and their checkpoint files.

Importing this package does not import PyTorch; the names that need it do, when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midigpt.inference.model.checkpoint import (
    CheckpointBundle,
    CheckpointHeader,
    load_checkpoint,
    read_checkpoint_header,
)
from midigpt.inference.model.gpt2_config import GPT2Config
from midigpt.inference.model.interface import AttentionProbe, Cache, LanguageModel
from midigpt.inference.model.registry import (
    PACKED_FORMAT_VERSION,
    SAFETENSORS_FORMAT_VERSION,
    register,
)
from midigpt.inference.model.safetensors_header import CheckpointError
from midigpt.inference.model.torch_extra import import_with_torch

if TYPE_CHECKING:
    from midigpt.inference.model.gpt2 import GPT2LMHeadModel
    from midigpt.inference.model.registry import REGISTRY, get_model_class
    from midigpt.inference.model.torchscript import TorchScriptAdapter
    from midigpt.inference.model.transformer_lm import TransformerLMBase, resolve_device

#: Names that need PyTorch, and the files that have them.
_WITH_TORCH = {
    "GPT2LMHeadModel": "gpt2",
    "REGISTRY": "registry",
    "TorchScriptAdapter": "torchscript",
    "TransformerLMBase": "transformer_lm",
    "get_model_class": "registry",
    "resolve_device": "transformer_lm",
}

__all__ = [
    "PACKED_FORMAT_VERSION",
    "REGISTRY",
    "SAFETENSORS_FORMAT_VERSION",
    "AttentionProbe",
    "Cache",
    "CheckpointBundle",
    "CheckpointError",
    "CheckpointHeader",
    "GPT2Config",
    "GPT2LMHeadModel",
    "LanguageModel",
    "TorchScriptAdapter",
    "TransformerLMBase",
    "get_model_class",
    "load_checkpoint",
    "read_checkpoint_header",
    "register",
    "resolve_device",
]


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_with_torch(f"{__name__}.gpt2")  # so that the registry knows the built-in architecture
    return getattr(import_with_torch(f"{__name__}.{_WITH_TORCH[name]}"), name)
