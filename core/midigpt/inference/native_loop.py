"""The sampling loop in compiled code, for the native engine.

It writes the tokens that :func:`midigpt.inference.sampler.sample` would write, without Python and
without the GIL between them.
"""

from __future__ import annotations

from collections.abc import Callable

from midigpt import _native
from midigpt.inference.cancel import CancelEvent
from midigpt.inference.errors import NoLegalToken
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.meter_keeper import MeterKeeper
from midigpt.inference.model.interface import Cache, LanguageModel, Logits
from midigpt.inference.model.native import NativeCache, NativeModel
from midigpt.inference.sampler import Attempt
from midigpt.inference.sampling import Filters
from midigpt.inference.token_masks import IdMask

#: Tokens between two returns to Python, which counts them and reports progress.
BURST = 32


def runs_natively(model: LanguageModel, attempt: Attempt) -> bool:
    """Whether the compiled loop knows this model and all controls of the attempt."""
    narrowings = attempt.controls.narrowings
    return (
        isinstance(model, NativeModel)
        and len(narrowings) <= 1
        and all(isinstance(narrowing, MeterKeeper) for narrowing in narrowings)
    )


def sample_natively(
    model: LanguageModel,
    cache: Cache,
    logits: Logits,
    attempt: Attempt,
    filters: Filters,
    note_content: IdMask,
    first_position: int,
    budget: int,
    hooks: SessionHooks,
    tell: Callable[[], None] | None,
) -> None:
    """Extend an attempt until it is complete, has failed, or ``budget`` tokens are written.

    Args:
        model: the native model; see :func:`runs_natively`.
        cache: with the prompt, one row.
        logits: after the prompt, ``(1, vocabulary size)``.
        attempt: at its beginning.
        filters: of the probabilities.
        note_content: ids that say something about a note.
        first_position: of the first token after the prompt.
        budget: most tokens.
        hooks: of the session: count the tokens, and may cancel.
        tell: called after every complete note or bar; None if nobody listens.

    Raises:
        CancelRequested: somebody has cancelled; what was written before stays in the attempt.
    """
    assert isinstance(model, NativeModel) and isinstance(cache, NativeCache)
    loop = _loop(model, cache, logits, attempt, filters, note_content, first_position, budget)
    event = hooks.cancel_event
    flag = event.flag if isinstance(event, CancelEvent) else None
    burst = 1 if event is not None and flag is None else BURST
    status = _native.StepStatus.RUNNING
    while status == _native.StepStatus.RUNNING:
        hooks.check_cancelled()
        with hooks.timed("model_forward_time"):
            status = loop.run(burst, tell is not None, flag)
        for token in loop.tokens[len(attempt.tokens) :]:
            attempt.tokens.append(token)
            hooks.count_token(len(attempt.tokens))
        if tell is not None:
            tell()
    if status == _native.StepStatus.NO_LEGAL_TOKEN:
        attempt.failure = NoLegalToken(len(attempt.tokens))
    hooks.check_cancelled()


def _loop(
    model: NativeModel,
    cache: NativeCache,
    logits: Logits,
    attempt: Attempt,
    filters: Filters,
    note_content: IdMask,
    first_position: int,
    budget: int,
) -> _native.StepLoop:
    controls = attempt.controls
    keeper = next((n for n in controls.narrowings if isinstance(n, MeterKeeper)), None)
    sampler = _native.TokenSampler(
        temperature=attempt.temperature,
        top_k=filters.top_k,
        top_p=filters.top_p,
        mask_k=filters.mask_k,
        mask_p=filters.mask_p,
        note_content=note_content,
        weights=controls.weights,
        seed=attempt.draw.seed,
    )
    return _native.StepLoop(
        transformer=model.transformer,
        sequence=cache.sequences[0],
        state=attempt.state,
        sampler=sampler,
        logits=logits[0],
        permitted=controls.permitted,
        meter=None if keeper is None else _meter(keeper),
        first_position=first_position,
        budget=budget,
    )


def _meter(keeper: MeterKeeper) -> _native.MeterRule:
    return _native.MeterRule(
        signature_id=keeper.signature_id,
        bar_id=keeper.bar_id,
        signatures=keeper.signatures,
        content=keeper.content,
    )
