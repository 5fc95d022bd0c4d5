"""The sampling loop: one token per attempt and round, until every attempt is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from midigpt import _native
from midigpt.inference.controls import StepControls
from midigpt.inference.errors import NoLegalToken
from midigpt.inference.model.interface import Cache, LanguageModel, Logits
from midigpt.inference.sampling import (
    Draw,
    Filters,
    Floats,
    next_token_probabilities,
    reweight,
)
from midigpt.inference.token_masks import IdMask


@dataclass
class Attempt:
    """One try at a step, on its own draws; ``failure`` says why it could not go on."""

    state: _native.SessionState
    controls: StepControls
    draw: Draw
    temperature: float
    tokens: list[int] = field(default_factory=list)
    failure: NoLegalToken | None = None

    @property
    def is_done(self) -> bool:
        """Whether it takes no more tokens."""
        return self.failure is not None or self.state.complete()

    @property
    def was_cut(self) -> bool:
        """Whether the context was full before the step was complete."""
        return not self.is_done


#: Called with an attempt after each of its tokens, the probabilities and the legal ids.
Observer = Callable[[Attempt, Floats, IdMask], None]


def sample(
    model: LanguageModel,
    cache: Cache,
    logits: Logits,
    attempts: Sequence[Attempt],
    filters: Filters,
    note_content: IdMask,
    first_position: int,
    budget: int,
    observe: Observer,
) -> Iterator[None]:
    """Extend attempts until each is complete, has failed, or ``budget`` tokens are written.

    Offers a pause before every round.

    Args:
        model: the language model.
        cache: with the prompt, one row per attempt.
        logits: after the prompt, ``(attempts, vocabulary size)``.
        attempts: all at the beginning.
        filters: of the probabilities.
        note_content: ids that say something about a note.
        first_position: of the first token after the prompt.
        budget: most tokens per attempt.
        observe: called after every token.
    """
    running = list(attempts)
    for round_number in range(budget):
        yield
        for attempt, row in zip(running, logits, strict=True):
            _extend(attempt, row, filters, note_content, observe)
        going_on = [row for row, attempt in enumerate(running) if not attempt.is_done]
        if not going_on or round_number + 1 == budget:
            return
        if len(going_on) < len(running):
            cache = cache.select(going_on)
            running = [running[row] for row in going_on]
        newest = [attempt.tokens[-1] for attempt in running]
        logits = model.step(newest, cache, first_position + round_number)


def _extend(
    attempt: Attempt, logits: Floats, filters: Filters, note_content: IdMask, observe: Observer
) -> None:
    allowed = attempt.state.logit_mask_view().astype(np.bool_)
    attempt.controls.narrow(allowed)
    if not allowed.any():
        attempt.failure = NoLegalToken(len(attempt.tokens))
        return
    logits = attempt.state.biased(logits)
    probabilities = next_token_probabilities(logits, allowed, attempt.temperature)
    if attempt.controls.weights is not None:
        probabilities = reweight(probabilities, attempt.controls.weights)
    probabilities = filters.apply(probabilities, note_content)
    token = attempt.draw.token(probabilities)
    attempt.state.advance(token)
    attempt.controls.observe(token)
    attempt.tokens.append(token)
    observe(attempt, probabilities, allowed)
