"""One run through a request: windows, steps, attempts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from midigpt import _native
from midigpt.inference.acceptance import rejection
from midigpt.inference.config import InferenceConfig
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.errors import CancelRequested, ContextOverflow, StepRejected
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.merge import merge, requantise
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.note_stream import NoteStream
from midigpt.inference.planner import PlannedStep
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.prompt import PromptWriter, StepPrompt, encode_switches, prompt_state
from midigpt.inference.sampler import Attempt
from midigpt.inference.step_sampler import StepSampler
from midigpt.inference.task import Task
from midigpt.inference.token_logger import TokenLogger
from midigpt.score import Score
from midigpt.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class RunOptions:
    """What does not belong to the request.

    Attributes:
        seed: of the draws, 0 or more.
        parity: reproduce defects of MIDI-GPT 0.4.2, for comparisons with it.
        stop_after_bars: write only the first so many requested bars of every track that is
            written left to right; 0 = all.
        judge: refuse silent and stale results, as the request's configuration says.
    """

    seed: int
    parity: bool = False
    stop_after_bars: int = 0
    judge: bool = True


class Run:
    """Generates what an ensemble's request asks for.

    ``piece`` is the ensemble's score with what is finished; after a cancellation also with the
    notes of the step under way. ``writer`` is the ensemble's, ``truncated`` says that a step ended
    because the context was full.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ensemble: Ensemble,
        hooks: SessionHooks,
        options: RunOptions,
        prefixes: PrefixCache,
        writer: PromptWriter,
    ) -> None:
        self.piece = ensemble.score
        self.truncated = False
        self._model = model
        self._tokenizer = tokenizer
        self._ensemble = ensemble
        self._writer = writer
        self._hooks = hooks
        self._options = options
        self._prefixes = prefixes
        self._steps_begun = 0

    def execute(self) -> Task[Score]:
        """Generate everything; returns the ensemble's piece at ``decode_resolution``.

        Raises:
            StepRejected: no attempt at a step was acceptable.
            ContextOverflow: no window is short enough for the model's context.
            CancelRequested: somebody has cancelled.
        """
        done: set[tuple[int, int]] = set()
        sizes = window_sizes(self._ensemble.config, self._tokenizer)
        for size in sizes:
            try:
                for step in self._steps(size, done):
                    yield from self._run_step(step, may_overflow=size != sizes[-1])
                    done |= step.bars
            except ContextOverflow:
                continue
            self.piece = requantise(self.piece, self._tokenizer)
            return self.piece
        raise ContextOverflow(
            f"no model_dim in {', '.join(map(str, sizes))} fits the model's context of "
            f"{self._model.n_positions} tokens"
        )

    def _steps(self, size: int, done: Collection[tuple[int, int]]) -> list[PlannedStep]:
        config = replace(self._ensemble.config, model_dim=size)
        return ordered_steps(self._ensemble.with_config(config), self._options, done)

    def prefill(self) -> Task[None]:
        """Read the prompt of the first step; one that is too long is left alone."""
        size = window_sizes(self._ensemble.config, self._tokenizer)[0]
        for step in self._steps(size, ())[:1]:
            prompt = self._writer.write_once(self.piece, step)
            if len(prompt.tokens) < self._model.n_positions:
                with self._sampler(prompt, 0) as sampler:
                    yield from sampler.prefill()

    def _run_step(self, step: PlannedStep, may_overflow: bool) -> Task[None]:
        with self._hooks.timed("encode_time"):
            prompt = self._writer.write_once(self.piece, step)
        self._hooks.context_len = len(prompt.tokens)
        if len(prompt.tokens) >= self._model.n_positions:
            raise ContextOverflow(f"the prompt has {len(prompt.tokens)} tokens")
        if self._steps_begun == 0 and self._hooks.prompt_state_sink is not None:
            mode = self._ensemble.config.mask_mode
            self._hooks.prompt_state_sink(prompt_state(self._ensemble, step, mode))
        number = self._steps_begun
        self._steps_begun += 1
        log = self._hooks.token_logger
        if log is not None:
            log.log_context(number, prompt.tokens, self._tokenizer.vocabulary)
        with self._sampler(prompt, number) as sampler:
            try:
                accepted = yield from self._accepted(prompt, sampler, may_overflow)
            except CancelRequested:
                if sampler.newest is not None:
                    self._keep(prompt, sampler.newest)
                raise
        self._keep(prompt, accepted)
        if log is not None:
            self._log_step(log, number, sampler, accepted)

    def _sampler(self, prompt: StepPrompt, number: int) -> StepSampler:
        return StepSampler(
            self._model,
            self._tokenizer,
            self._ensemble,
            prompt,
            self._hooks,
            self._prefixes,
            number,
            self._options.seed,
            self._options.parity,
        )

    def _accepted(
        self, prompt: StepPrompt, sampler: StepSampler, may_overflow: bool
    ) -> Task[Attempt]:
        """The first acceptable attempt at a step."""
        config = self._ensemble.config
        seeds = [self._options.seed + number for number in range(config.max_attempts)]
        temperatures = [
            config.temperature * config.temperature_escalation**number
            for number in range(config.max_attempts)
        ]
        together = config.batch_attempts and not prompt.hidden_spans
        batch: list[Attempt] = []
        if together and not NoteStream.wanted(self._hooks):
            batch = yield from sampler.batch(seeds, temperatures)
        reasons: Counter[str] = Counter()
        any_overflow = False
        for number, (seed, temperature) in enumerate(zip(seeds, temperatures, strict=True)):
            if batch:
                attempt = batch[number]
            else:
                attempt = yield from sampler.attempt(number + 1, seed, temperature)
            overflows = attempt.was_cut and may_overflow
            any_overflow |= overflows
            reason = self._refusal(prompt, attempt)
            if reason is not None:
                reasons[reason] += 1
            elif overflows:
                break
            else:
                self.truncated |= attempt.was_cut
                return attempt
        if any_overflow:
            raise ContextOverflow("the step does not fit behind its prompt")
        counted = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        raise StepRejected(f"no acceptable result in {reasons.total()} attempts: {counted}")

    def _refusal(self, prompt: StepPrompt, attempt: Attempt) -> str | None:
        if attempt.failure is not None:
            return str(attempt.failure)
        if not self._options.judge:
            return None
        after = _native.from_cpp(attempt.state.result())
        return rejection(prompt.before, after, prompt.window_step.bars, self._ensemble.config)

    def _keep(self, prompt: StepPrompt, attempt: Attempt) -> None:
        with self._hooks.timed("decode_time"):
            window = _native.from_cpp(attempt.state.result())
            self.piece = merge(
                self.piece, prompt.step, window, self._tokenizer, self._options.parity
            )

    def _log_step(
        self, log: TokenLogger, number: int, sampler: StepSampler, accepted: Attempt
    ) -> None:
        step = sampler.prompt.step
        written = {track for track, _ in step.bars}
        use_velocity = encode_switches(self._ensemble.request.controls, self._tokenizer)
        log.log_step_summary(
            number,
            len(sampler.prompt.tokens),
            sampler.budget,
            written,
            set(range(len(self._ensemble.numbers))) - written,
            int(use_velocity["use_velocity"] != 0),
            accepted.tokens,
            self._tokenizer.vocabulary,
        )
        log.log_bar_summaries(number, step, self.piece)


def window_sizes(config: InferenceConfig, tokenizer: Tokenizer) -> list[int]:
    """Window lengths in bars to try, the longest first."""
    lengths = [n for n in tokenizer.config.num_bars_map if n <= config.model_dim]
    return sorted(lengths, reverse=True) or [config.model_dim]


def ordered_steps(
    ensemble: Ensemble, options: RunOptions, done: Collection[tuple[int, int]] = ()
) -> list[PlannedStep]:
    """The steps of a plan in the order in which they are run."""
    steps = _cut_short(ensemble.plan(done), ensemble, options.stop_after_bars)
    if not ensemble.config.shuffle:
        return steps
    infill = [step for step in steps if not step.autoregressive]
    random.Random(options.seed).shuffle(infill)
    return [step for step in steps if step.autoregressive] + infill


def _cut_short(steps: list[PlannedStep], ensemble: Ensemble, count: int) -> list[PlannedStep]:
    """Only the first ``count`` requested bars of each track written left to right; 0 = all."""
    if count == 0:
        return steps
    ends = [min(prompt.bars, default=0) + count for prompt in ensemble.prompts]
    shortened = [
        replace(step, bars=frozenset((t, b) for t, b in step.bars if b < ends[t]))
        if step.autoregressive
        else step
        for step in steps
    ]
    return [step for step in shortened if step.bars]
