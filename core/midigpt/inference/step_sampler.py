"""Attempts at one step: the prompt is read once, then each attempt is sampled after it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

import numpy as np

from midigpt import _native
from midigpt.inference.controls import (
    Narrowing,
    StepControls,
    forbidden_ids,
    note_forcer,
    probability_weights,
)
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.kick_lock import kicks_to_follow
from midigpt.inference.meter_keeper import MeterKeeper
from midigpt.inference.model.interface import Cache, LanguageModel, Logits
from midigpt.inference.model.native import NativeCache, NativeModel
from midigpt.inference.native_loop import NativeSampler, runs_natively
from midigpt.inference.note_stream import NoteStream
from midigpt.inference.prefill import CHUNK, PromptTokens, prefill
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.prompt import StepPrompt
from midigpt.inference.sampler import Attempt, sample
from midigpt.inference.sampling import Draw, Filters, Floats
from midigpt.inference.task import Task
from midigpt.inference.token_masks import NOTE_CONTENT, IdMask, ids_of
from midigpt.tokenizer.tokenizer import Tokenizer


class StepSampler:
    """Samples attempts at one step; ``newest`` is the one under way, if they come one by one.

    A context manager: it holds a cached sequence of ``prefixes`` meanwhile.

    Args:
        model: the language model.
        tokenizer: of the checkpoint.
        ensemble: what is asked for.
        prompt: of the step.
        hooks: of the session.
        prefixes: what was read before; a model that is not native does without.
        number: of the step in its run, for the token log.
        seed: of the run; a remix draws its free notes from it.
        parity: let the model hide the bars it writes, as MIDI-GPT 0.4.2 does.

    The methods raise CancelRequested when somebody has cancelled.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ensemble: Ensemble,
        prompt: StepPrompt,
        hooks: SessionHooks,
        prefixes: PrefixCache,
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
        config = ensemble.config
        kicks: frozenset[int] = frozenset()
        if config.follow_kick > 0:
            kicks = kicks_to_follow(prompt.before, prompt.window_step.bars)
        self._weights = probability_weights(self._prompts, vocabulary, kicks, config.follow_kick)
        self._note_content = ids_of(vocabulary, NOTE_CONTENT)
        self._filters = Filters(config.top_k, config.top_p, config.mask_k, config.mask_p)
        self._keeper = MeterKeeper.for_piece(ensemble.score, ensemble.prompts, vocabulary)
        self._tokens = PromptTokens.of(prompt.tokens, prompt.hidden_spans, config.mask_mode)
        self._lent = ExitStack()
        self._sequence: _native.CachedSequence | None = None
        if isinstance(model, NativeModel):
            self._sequence = self._lent.enter_context(prefixes.lend(model, self._tokens))
        self._read: tuple[Cache, Logits] | None = None

    def __enter__(self) -> StepSampler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the sequence back."""
        self._lent.close()

    @property
    def budget(self) -> int:
        """Most tokens an attempt may have, 0 or more."""
        return max(0, self._model.n_positions - len(self.prompt.tokens) - 1)

    def prefill(self) -> Task[None]:
        """Read the prompt and leave it in the sequence, for a session to come."""
        attempt = self._new_attempt(self._seed, self._ensemble.config.temperature)
        if self._sequence is not None and runs_natively(self._model, attempt):
            yield from self._native().read(attempt, self._sequence)
        elif self._sequence is not None:
            yield from self._read_prompt()

    def attempt(self, number: int, seed: int, temperature: float) -> Task[Attempt]:
        """Sample the ``number``-th attempt (from 1), telling its notes as they come."""
        self._hooks.begin_attempt(number, len(self.prompt.tokens))
        attempt = self._new_attempt(seed, temperature)
        stream = None
        if NoteStream.wanted(self._hooks):
            numbers = self._ensemble.numbers
            stream = NoteStream(self._hooks, self.prompt, numbers, self._tokenizer)
        self.newest = attempt
        yield from self._sample([attempt], stream)
        if stream is not None:
            stream.flush(attempt.state)
        return attempt

    def batch(self, seeds: Sequence[int], temperatures: Sequence[float]) -> Task[list[Attempt]]:
        """Sample several attempts side by side; each is what it would be alone."""
        self._hooks.begin_attempt(1, len(self.prompt.tokens))
        attempts = [self._new_attempt(s, t) for s, t in zip(seeds, temperatures, strict=True)]
        yield from self._sample(attempts, None)
        return attempts

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

    def _sample(self, attempts: Sequence[Attempt], stream: NoteStream | None) -> Task[None]:
        first, sequence = attempts[0], self._sequence
        if self._hooks.token_logger is not None or not runs_natively(self._model, first):
            yield from self._sample_in_python(attempts, stream)
            return
        assert sequence is not None
        sampler, sequences = self._native(), [sequence]
        if len(attempts) > 1:
            yield from sampler.read(first, sequence)
            sequences += [sequence.copy() for _ in attempts[1:]]
        tell = None if stream is None else lambda: stream.update(first.state)
        yield from sampler.sample(attempts, sequences, self.budget, tell)

    def _native(self) -> NativeSampler:
        assert isinstance(self._model, NativeModel)
        return NativeSampler(
            self._model,
            self._tokens,
            len(self.prompt.tokens),
            self._filters,
            self._note_content,
            self._hooks,
        )

    def _read_prompt(self) -> Task[tuple[Cache, Logits]]:
        """A cache with the prompt, and the logits after it; reads it the first time only."""
        if self._read is not None:
            return self._read
        tokens, hooks = self._tokens, self._hooks
        if self._sequence is None:
            cache: Cache = self._model.new_cache()
            size = len(tokens.ids) if hooks.cancel_event is None else CHUNK
        else:
            assert isinstance(self._model, NativeModel)
            cache, size = NativeCache(self._model.transformer, [self._sequence]), CHUNK
            shared = self._sequence.shared_prefix(tokens.ids, tokens.positions, tokens.shown)
            cache.truncate(min(shared, len(tokens.ids) - 1))
            tokens = tokens.after(cache.length)
        with hooks.timed("model_forward_time"):
            for newest in prefill(self._model, cache, tokens, size):
                logits = newest
                yield ()
                hooks.check_cancelled()
        self._read = cache, logits
        return self._read

    def _sample_in_python(
        self, attempts: Sequence[Attempt], stream: NoteStream | None
    ) -> Task[None]:
        hooks, log = self._hooks, self._hooks.token_logger
        cache, logits = yield from self._read_prompt()
        cache.truncate(len(self._tokens.ids))
        if len(attempts) > 1:
            cache = cache.select([0] * len(attempts))
            logits = np.repeat(logits, len(attempts), axis=0)

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

        for _ in sample(
            self._model,
            cache,
            logits,
            attempts,
            self._filters,
            self._note_content,
            len(self.prompt.tokens),
            self.budget,
            observe,
        ):
            yield ()
            hooks.check_cancelled()
        if log is not None:
            for attempt in attempts:
                if attempt.failure is not None:
                    log.log_grammar_collapse(self._number, hooks.gen_count)
