"""Architectures by name, as checkpoints name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

#: Format of ``.pt`` checkpoints.
PACKED_FORMAT_VERSION = 1
#: Format of ``.safetensors`` checkpoints.
SAFETENSORS_FORMAT_VERSION = 2

#: Architecture name to model class. The built-in ones enter when their files are imported.
REGISTRY: dict[str, type[Any]] = {}

_Class = TypeVar("_Class", bound=type)


def register(arch_id: str) -> Callable[[_Class], _Class]:
    """Class decorator: make a model class known as ``arch_id``.

    Raises:
        ValueError: another class has this name.
    """

    def enter(model_class: _Class) -> _Class:
        if REGISTRY.setdefault(arch_id, model_class) is not model_class:
            raise ValueError(f"arch_id {arch_id!r} already names {REGISTRY[arch_id].__name__}")
        return model_class

    return enter


def get_model_class(arch_id: str) -> type[Any]:
    """Return the class registered as ``arch_id``; ValueError names the known ones."""
    if arch_id not in REGISTRY:
        raise ValueError(f"arch is {arch_id!r}; one of {sorted(REGISTRY)} is wanted")
    return REGISTRY[arch_id]


def arch_of(model_class: type[Any]) -> str:
    """Return the name a class is registered by; ValueError if it is not."""
    for arch_id, known in REGISTRY.items():
        if known is model_class:
            return arch_id
    raise ValueError(f"{model_class.__name__} is not a registered architecture")
