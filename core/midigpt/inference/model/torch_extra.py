"""PyTorch is an optional extra: import the files that need it through here."""

from __future__ import annotations

import importlib
from types import ModuleType


def import_with_torch(module: str) -> ModuleType:
    """Import a module that needs PyTorch.

    Raises:
        ImportError: PyTorch is not installed; one line that says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(
            'this model needs PyTorch, which is not installed: pip install "midigpt-live[torch]"'
        ) from None
