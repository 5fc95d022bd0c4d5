"""Sessions as tasks: they hand out loops of compiled code, so that one thread can drive many."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

from midigpt import _native

Result = TypeVar("Result")

#: Yields the loops that want to be advanced, by any number of passes, before it is resumed; none
#: when it runs a model by itself and only offers a pause. Returns the result.
Task: TypeAlias = Generator[Sequence[_native.Loop], None, Result]

#: Passes of the model between two returns to Python, which counts tokens and reports progress.
BURST = 32


def drive(task: Task[Result]) -> Result:
    """Run a task to its end on this thread; raises what the task raises."""
    while True:
        try:
            loops = next(task)
        except StopIteration as end:
            result: Result = end.value
            return result
        _native.run_together(loops, BURST)
