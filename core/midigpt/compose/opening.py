"""Which backend writes: by name."""

from __future__ import annotations

from pathlib import Path

from midigpt.compose.backend import Backend
from midigpt.compose.long_pieces import LongPieces
from midigpt.inference.model.torch_extra import import_with_torch


def open_backend(
    name: str, folder: Path, max_tokens: int, fp8: bool = False, gpu_memory: float = 0.9
) -> Backend:
    """The backend ``native``, ``torch`` or ``vllm``, with a model for pieces of ``max_tokens`` ids.

    Pieces that are longer than the model's context are written in windows. Raises as the backend's
    own ``open``; the last two arguments are vLLM's.
    """
    backend: Backend
    if name == "vllm":
        from midigpt.compose.vllm_backend import VllmBackend

        backend = VllmBackend.open(folder, max_tokens, fp8, gpu_memory)
    elif name == "torch":
        torch_side = import_with_torch("midigpt.compose.torch_backend")
        backend = torch_side.TorchBackend.open(folder, max_tokens)
    else:
        from midigpt.compose.native_backend import NativeBackend

        backend = NativeBackend.open(folder, max_tokens)
    return LongPieces(backend)
