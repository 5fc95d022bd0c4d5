"""The sampling loop in compiled code, for the native engine.

It writes the tokens that :func:`midigpt.inference.sampler.sample` would write, without Python and
without the GIL between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from midigpt import _native
from midigpt.inference.cancel import CancelEvent
from midigpt.inference.errors import NoLegalToken
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.meter_keeper import MeterKeeper
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.model.native import NativeModel
from midigpt.inference.prefill import PromptTokens
from midigpt.inference.sampler import Attempt
from midigpt.inference.sampling import Filters
from midigpt.inference.task import Task
from midigpt.inference.token_masks import IdMask


def runs_natively(model: LanguageModel, attempt: Attempt) -> bool:
    """Whether the compiled loop knows this model and all controls of the attempt."""
    narrowings = attempt.controls.narrowings
    return (
        isinstance(model, NativeModel)
        and len(narrowings) <= 1
        and all(isinstance(narrowing, MeterKeeper) for narrowing in narrowings)
    )


@dataclass(frozen=True)
class NativeSampler:
    """Makes loops for attempts at one step.

    Attributes:
        model: see :func:`runs_natively`.
        prompt: of the step.
        first_position: of the first token after the prompt.
        filters: of the probabilities.
        note_content: ids that say something about a note.
        hooks: of the session: count the tokens, and may cancel.
    """

    model: NativeModel
    prompt: PromptTokens
    first_position: int
    filters: Filters
    note_content: IdMask
    hooks: SessionHooks

    def read(self, attempt: Attempt, sequence: _native.CachedSequence) -> Task[None]:
        """Read the prompt only; the attempt stays at its beginning."""
        yield from self._finish([self._loop(attempt, sequence, 0, _native.Pause.NEVER)])

    def sample(
        self,
        attempts: Sequence[Attempt],
        sequences: Sequence[_native.CachedSequence],
        budget: int,
        tell: Callable[[], None] | None = None,
    ) -> Task[None]:
        """Extend attempts side by side until each is complete, has failed, or spent its budget.

        Args:
            attempts: at their beginning.
            sequences: one for each; what they share with the prompt is not read again.
            budget: most tokens of each.
            tell: called after every complete note or bar; None if nobody listens.

        Raises:
            CancelRequested: somebody has cancelled; what was written before stays in the attempts.
        """
        pause = _native.Pause.NEVER if tell is None else _native.Pause.AT_NEWS
        loops = [
            self._loop(attempt, sequence, budget, pause)
            for attempt, sequence in zip(attempts, sequences, strict=True)
        ]

        def take() -> None:
            for attempt, loop in zip(attempts, loops, strict=True):
                for token in loop.tokens[len(attempt.tokens) :]:
                    attempt.tokens.append(token)
                    self.hooks.count_token(len(attempt.tokens))
            if tell is not None:
                tell()

        yield from self._finish(loops, take)
        for attempt, loop in zip(attempts, loops, strict=True):
            if loop.status == _native.StepStatus.NO_LEGAL_TOKEN:
                attempt.failure = NoLegalToken(len(attempt.tokens))

    def _finish(
        self, loops: Sequence[_native.StepLoop], take: Callable[[], None] = lambda: None
    ) -> Task[None]:
        running = list(loops)
        while running:
            self.hooks.check_cancelled()
            with self.hooks.timed("model_forward_time"):
                yield running
            take()
            running = [loop for loop in running if loop.status in _GOING_ON]
        self.hooks.check_cancelled()

    def _loop(
        self,
        attempt: Attempt,
        sequence: _native.CachedSequence,
        budget: int,
        pause: _native.Pause,
    ) -> _native.StepLoop:
        controls, event = attempt.controls, self.hooks.cancel_event
        keeper = next((n for n in controls.narrowings if isinstance(n, MeterKeeper)), None)
        flag = event.flag if isinstance(event, CancelEvent) else None
        sampler = _native.TokenSampler(
            temperature=attempt.temperature,
            top_k=self.filters.top_k,
            top_p=self.filters.top_p,
            mask_k=self.filters.mask_k,
            mask_p=self.filters.mask_p,
            note_content=self.note_content,
            weights=controls.weights,
            seed=attempt.draw.seed,
        )
        return _native.StepLoop(
            transformer=self.model.transformer,
            sequence=sequence,
            state=attempt.state,
            sampler=sampler,
            ids=self.prompt.ids,
            positions=self.prompt.positions,
            shown=self.prompt.shown,
            permitted=controls.permitted,
            meter=None if keeper is None else _meter(keeper),
            first_position=self.first_position,
            budget=budget,
            pause=pause if event is None or flag is not None else _native.Pause.AT_TOKEN,
            cancel=flag,
        )


#: A cancelled loop is dropped by the check for cancellation, if somebody still wants that.
_GOING_ON = (_native.StepStatus.RUNNING, _native.StepStatus.CANCELLED)


def _meter(keeper: MeterKeeper) -> _native.MeterRule:
    return _native.MeterRule(
        signature_id=keeper.signature_id,
        bar_id=keeper.bar_id,
        signatures=keeper.signatures,
        content=keeper.content,
    )
