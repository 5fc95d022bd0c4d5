"""Values on the command line: what is out of range is said before anything is loaded."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def port(text: str) -> int:
    """A port, 0..65535; 0 = any that is free."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not in 0..65535")
    return number


def at_least_one(kind: type[int] | type[float]) -> Callable[[str], float]:
    """Numbers of a kind from 1 on, without infinity."""

    def parse(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is no {kind.__name__}") from None
        if not 1 <= number < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not at least 1")
        return number

    return parse
