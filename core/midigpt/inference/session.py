"""A sampling session: one request on one score, planned and ready to be generated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from midigpt.inference.config import GenerationRequest
from midigpt.inference.context import fit_context
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.errors import CancelRequested, GenerationCancelled
from midigpt.inference.hooks import PROGRESS_EVERY, STREAM_EVERY_S, SessionHooks
from midigpt.inference.likelihood import score_tokens
from midigpt.inference.merge import requantise, reunite
from midigpt.inference.planner import PlannedStep
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.prompt import PromptWriter
from midigpt.inference.run import Run, RunOptions, ordered_steps
from midigpt.inference.task import Task, drive
from midigpt.inference.token_logger import TokenLogger
from midigpt.inference.validation import validate_request
from midigpt.inference.variations import Variation, variations
from midigpt.score import Score

if TYPE_CHECKING:
    from midigpt.inference.engine import InferenceEngine

__all__ = ["PROGRESS_EVERY", "STREAM_EVERY_S", "SamplingSession", "TokenLogger"]

_MAX_SEED = 2**31 - 1


class SamplingSession(SessionHooks):
    """Validates and plans a request; :meth:`run` generates it.

    Set the sinks of :class:`~midigpt.inference.hooks.SessionHooks` before a run. A session belongs
    to one thread; only ``cancel_event`` may be set from another.

    Args:
        engine: model, tokenizer and analyzer.
        score: the piece; never changed.
        request: what to generate; never changed.
        stop_after_bars: write only the first so many requested bars of every track that is
            written left to right, and end there; 0 = all.
        parity: reproduce defects of MIDI-GPT 0.4.2 that show in prompts, legal tokens and
            results, for comparisons with it (docs/compatibility.md).
        cache: what earlier sessions have read, so that only what differs is read again; the
            result is the same without. By default one of the session's own.

    Raises:
        RequestValidationError: the request cannot be fulfilled.

    Attributes:
        resolved_seed: seed of the first attempt, drawn at random if the request leaves it open.
        generated_bars: bars to be generated, by track.
        dropped_context: tracks left out of the prompts because these would be too long.
    """

    def __init__(
        self,
        engine: InferenceEngine,
        score: Score,
        request: GenerationRequest,
        *,
        stop_after_bars: int = 0,
        parity: bool = False,
        cache: PrefixCache | None = None,
    ) -> None:
        super().__init__(max_context_len=engine.model.n_positions)
        tokenizer = engine.tokenizer
        request = validate_request(request, score, tokenizer.config, tokenizer.analyzer)
        seed = request.config.seed
        self.resolved_seed = seed if seed >= 0 else random.randint(0, _MAX_SEED)
        request = choose_targets(request, self.resolved_seed)
        self.generated_bars = {p.id: sorted(set(p.bars)) for p in request.tracks if p.bars}
        fit = fit_context(Ensemble.of(score, request), engine.model, tokenizer, parity)
        self.dropped_context = list(fit.dropped)
        self._engine = engine
        self._prefixes = cache or PrefixCache()
        self._score = score
        self._ensemble = fit.ensemble
        self._options = RunOptions(self.resolved_seed, parity, stop_after_bars)
        self._writer = PromptWriter(fit.ensemble, tokenizer, parity)

    def run(self) -> Score:
        """Generate; returns a new score at ``decode_resolution``.

        Context tracks come back as the encoder understood them (quirk Q27). Tracks carry the
        attribute levels of the last prompt that showed them, or that the model chose.

        Raises:
            GenerationCancelled: ``cancel_event`` was set.
            RuntimeError: no attempt was acceptable, or nothing fits the model's context.
        """
        return drive(self.task())

    def task(self) -> Task[Score]:
        """The same as :meth:`run` in pieces, for a thread that drives several sessions.

        Returns:
            See :data:`midigpt.inference.task.Task`. Resume it after ``_native.run_together`` or
            ``StepLoop.run``; close it to give up.
        """
        run = self._new_run()
        try:
            yield from run.execute()
        except CancelRequested:
            raise GenerationCancelled(self._whole(run.piece), self.gen_count) from None
        finally:
            self.truncated |= run.truncated
        return self._whole(run.piece)

    def prefill(self) -> None:
        """Read the first prompt into ``cache`` and generate nothing, before it is known in full.

        Raises:
            GenerationCancelled: ``cancel_event`` was set; what has been read stays in the cache.
        """
        drive(self.prefill_task())

    def prefill_task(self) -> Task[None]:
        """The same as :meth:`prefill` in pieces, as :meth:`task`."""
        try:
            yield from self._new_run().prefill()
        except CancelRequested:
            raise GenerationCancelled(self._whole(self._ensemble.score), 0) from None

    def run_variations(self) -> list[dict[str, Any]]:
        """``num_candidates`` results with consecutive seeds, none of them judged.

        Returns:
            ``{"score", "seed", "gen_count", "error", "truncated"}`` for each; ``score`` is None
            where ``error`` says why.

        Raises:
            GenerationCancelled: ``cancel_event`` was set.
        """
        try:
            found = drive(
                variations(
                    self._engine.model,
                    self._engine.tokenizer,
                    self._ensemble,
                    self,
                    self._options,
                    self._prefixes,
                )
            )
        except CancelRequested:
            raise GenerationCancelled(self._whole(self._ensemble.score), self.gen_count) from None
        self.truncated |= any(one.truncated for one in found)
        return [self._described(one) for one in found]

    def plan_summary(self) -> list[dict[str, Any]]:
        """The steps: ``{"window": [start, end], "autoregressive", "generate": {track: [bars]}}``.

        Tracks are the caller's numbers as text, bars are absolute.
        """
        return [self._summary(step) for step in self._steps()]

    def score_from_tokens(
        self, token_ids: Sequence[int], step_idx: int = 0, use_velocity: int = -1
    ) -> dict[str, Any]:
        """How likely the model finds ``token_ids`` as the answer to a step's prompt.

        The prompt shows no attribute levels computed from the notes.

        Args:
            token_ids: ids of the vocabulary.
            step_idx: number of the step in the plan.
            use_velocity: 0 or 1 sets the velocity switch of the prompt; -1 leaves it.

        Returns:
            See :func:`midigpt.inference.likelihood.score_tokens`.

        Raises:
            ValueError: an id or the step is out of range.
        """
        steps = self._steps()
        if not 0 <= step_idx < len(steps):
            raise ValueError(f"step_idx is {step_idx}; 0..{len(steps) - 1} is wanted")
        prompt = self._writer.write(
            self._ensemble.score, steps[step_idx], analyse=False, use_velocity=use_velocity
        )
        vocabulary = self._engine.tokenizer.vocabulary
        return score_tokens(self._engine.model, prompt, token_ids, vocabulary)

    def __enter__(self) -> SamplingSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close; kept for callers that use a session as a context manager."""

    def _new_run(self) -> Run:
        model, tokenizer = self._engine.model, self._engine.tokenizer
        return Run(
            *(model, tokenizer, self._ensemble, self, self._options, self._prefixes, self._writer)
        )

    def _steps(self) -> list[PlannedStep]:
        return ordered_steps(self._ensemble, self._options)

    def _summary(self, step: PlannedStep) -> dict[str, Any]:
        generate: dict[str, list[int]] = {}
        for track, bar in sorted(step.bars):
            generate.setdefault(str(self._ensemble.numbers[track]), []).append(bar)
        return step.summary() | {"generate": generate}

    def _described(self, variation: Variation) -> dict[str, Any]:
        return {
            "score": None if variation.piece is None else self._whole(variation.piece),
            "seed": variation.seed,
            "gen_count": variation.gen_count,
            "error": variation.error,
            "truncated": variation.truncated,
        }

    def _whole(self, piece: Score) -> Score:
        tokenizer = self._engine.tokenizer
        return reunite(requantise(piece, tokenizer), self._ensemble, self._score, tokenizer)


def choose_targets(request: GenerationRequest, seed: int) -> GenerationRequest:
    """Keep a random share ``infill_probability`` of the bars to infill; the rest is context."""
    share = request.config.infill_probability
    pool = sorted({(p.id, b) for p in request.tracks if not p.autoregressive for b in p.bars})
    if share >= 1 or not pool:
        return request
    count = max(1, int(share * len(pool) + 0.5))
    chosen = set(random.Random(seed).sample(pool, count))
    tracks = [
        prompt
        if prompt.autoregressive
        else replace(prompt, bars=[bar for bar in prompt.bars if (prompt.id, bar) in chosen])
        for prompt in request.tracks
    ]
    return replace(request, tracks=tracks)
