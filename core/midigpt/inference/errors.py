"""The exceptions of generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midigpt.score import Score


class RequestValidationError(ValueError):
    """A request that cannot be fulfilled; the message names argument, value and allowed range."""


class GenerationCancelled(Exception):
    """Raised by a run whose ``cancel_event`` was set.

    Attributes:
        partial: the piece with the bars that were complete by then.
        gen_count: number of tokens sampled by then.
    """

    def __init__(self, partial: Score, gen_count: int) -> None:
        super().__init__(f"generation cancelled after {gen_count} tokens")
        self.partial = partial
        self.gen_count = gen_count


class ContextOverflow(RuntimeError):
    """A prompt, or a prompt with what was written after it, is longer than the model's context."""


class NoLegalToken(RuntimeError):
    """The constraints left no token to choose: the attempt fails and may be repeated."""

    def __init__(self, token_count: int) -> None:
        super().__init__(f"constraint graph error: no legal token after {token_count} tokens")


class CancelRequested(Exception):
    """The cancel event was found set; becomes GenerationCancelled once the result is known."""


class StepRejected(RuntimeError):
    """Every attempt of a step was refused; the message counts the reasons."""
