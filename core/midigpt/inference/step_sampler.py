"""Attempts at one step: the prompt is read once, then each attempt is sampled after it."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from midigpt.inference.controls import (
    Narrowing,
    StepControls,
    forbidden_ids,
    note_forcer,
    probability_weights,
)
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.meter_keeper import MeterKeeper
from midigpt.inference.model.interface import Cache, LanguageModel, Logits
from midigpt.inference.native_loop import runs_natively, sample_natively
from midigpt.inference.note_stream import NoteStream
from midigpt.inference.prefill import prefill
from midigpt.inference.prompt import StepPrompt
from midigpt.inference.sampler import Attempt, sample
from midigpt.inference.sampling import Draw, Filters, Floats
from midigpt.inference.token_masks import NOTE_CONTENT, IdMask, ids_of
from midigpt.tokenizer.tokenizer import Tokenizer


class StepSampler:
    """Samples attempts at one step; ``newest`` is the one under way, if they come one by one.

    Args:
        model: the language model.
        tokenizer: of the checkpoint.
        ensemble: what is asked for.
        prompt: of the step.
        hooks: of the session.
        number: of the step in its run, for the token log.
        seed: of the run; a remix draws its free notes from it.
        parity: let the model hide the bars it writes, as MIDI-GPT 0.4.2 does.

    Raises:
        CancelRequested: somebody has cancelled.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ensemble: Ensemble,
        prompt: StepPrompt,
        hooks: SessionHooks,
        number: int,
        seed: int,
        parity: bool = False,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._ensemble = ensemble
        self.prompt = prompt
        self.newest: Attempt | None = None
        self._hooks = hooks
        self._number = number
        self._seed = seed
        written = {track for track, _ in prompt.step.bars}
        self._prompts = [ensemble.prompts[track] for track in sorted(written)]
        vocabulary = tokenizer.vocabulary
        self._forbidden = forbidden_ids(ensemble.request, self._prompts, vocabulary, parity)
        self._weights = probability_weights(self._prompts, vocabulary)
        self._note_content = ids_of(vocabulary, NOTE_CONTENT)
        config = ensemble.config
        self._filters = Filters(config.top_k, config.top_p, config.mask_k, config.mask_p)
        self._keeper = MeterKeeper.for_piece(ensemble.score, ensemble.prompts, vocabulary)
        self._cache, self._logits = self._read_prompt()
        self._cache_length = self._cache.length

    @property
    def budget(self) -> int:
        """Most tokens an attempt may have, 0 or more."""
        return max(0, self._model.n_positions - len(self.prompt.tokens) - 1)

    def attempt(self, number: int, seed: int, temperature: float) -> Attempt:
        """Sample the ``number``-th attempt (from 1), telling its notes as they come."""
        self._hooks.begin_attempt(number, len(self.prompt.tokens))
        attempt = self._new_attempt(seed, temperature)
        self._cache.truncate(self._cache_length)
        stream = None
        if NoteStream.wanted(self._hooks):
            numbers = self._ensemble.numbers
            stream = NoteStream(self._hooks, self.prompt, numbers, self._tokenizer)
        self.newest = attempt
        self._sample([attempt], self._cache, self._logits, stream)
        if stream is not None:
            stream.flush(attempt.state)
        return attempt

    def batch(self, seeds: Sequence[int], temperatures: Sequence[float]) -> list[Attempt]:
        """Sample several attempts side by side; each is what it would be alone."""
        self._hooks.begin_attempt(1, len(self.prompt.tokens))
        attempts = [self._new_attempt(s, t) for s, t in zip(seeds, temperatures, strict=True)]
        self._cache.truncate(self._cache_length)
        cache = self._cache.select([0] * len(attempts))
        logits = np.repeat(self._logits, len(attempts), axis=0)
        self._sample(attempts, cache, logits, None)
        return attempts

    def _read_prompt(self) -> tuple[Cache, Logits]:
        cache = self._model.new_cache()
        poll = None if self._hooks.cancel_event is None else self._hooks.check_cancelled
        with self._hooks.timed("model_forward_time"):
            logits = prefill(
                self._model,
                cache,
                self.prompt.tokens,
                self.prompt.hidden_spans,
                self._ensemble.config.mask_mode,
                poll,
            )
        return cache, logits

    def _new_attempt(self, seed: int, temperature: float) -> Attempt:
        narrowings: list[Narrowing] = []
        step, vocabulary = self.prompt.window_step, self._tokenizer.vocabulary
        bars = [self.prompt.before.tracks[t].bars[b] for t, b in sorted(step.bars)]
        first_is_open = not step.autoregressive
        forcer = note_forcer(self._prompts, bars, vocabulary, self._seed, first_is_open)
        if forcer is not None:
            narrowings.append(forcer)
        if self._keeper is not None:
            narrowings.append(copy.copy(self._keeper))
        controls = StepControls(self._forbidden, self._weights, narrowings)
        return Attempt(self.prompt.state.copy(), controls, Draw(seed), temperature)

    def _sample(
        self,
        attempts: Sequence[Attempt],
        cache: Cache,
        logits: Logits,
        stream: NoteStream | None,
    ) -> None:
        hooks, log = self._hooks, self._hooks.token_logger
        if log is None and len(attempts) == 1 and runs_natively(self._model, attempts[0]):
            state = attempts[0].state
            sample_natively(
                self._model,
                cache,
                logits,
                attempts[0],
                self._filters,
                self._note_content,
                len(self.prompt.tokens),
                self.budget,
                hooks,
                None if stream is None else lambda: stream.update(state),
            )
            return

        def observe(attempt: Attempt, probabilities: Floats, allowed: IdMask) -> None:
            hooks.count_token(len(attempt.tokens))
            if stream is not None:
                stream.update(attempt.state)
            if log is not None:
                log.log_token(
                    self._number,
                    hooks.gen_count - 1,
                    attempt.tokens[-1],
                    probabilities,
                    allowed,
                    self._tokenizer.vocabulary,
                )

        sample(
            self._model,
            cache,
            logits,
            attempts,
            self._filters,
            self._note_content,
            len(self.prompt.tokens),
            self.budget,
            hooks.check_cancelled,
            observe,
        )
        if log is not None:
            for attempt in attempts:
                if attempt.failure is not None:
                    log.log_grammar_collapse(self._number, hooks.gen_count)
