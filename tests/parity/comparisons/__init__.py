"""One comparison a module: ``cases(piece)`` yields what to compare, in an order of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from tests.parity.case import Case, Piece

NAMES = (
    "midi",
    "ids",
    "options",
    "decode",
    "damage",
    "attributes",
    "masks",
    "plans",
    "steps",
    "sessions",
)


def load(name: str) -> Callable[[Piece], Iterator[Case]]:
    """The ``cases`` of a comparison."""
    module = import_module(f"tests.parity.comparisons.{name}")
    found: Callable[[Piece], Iterator[Case]] = module.cases
    return found
