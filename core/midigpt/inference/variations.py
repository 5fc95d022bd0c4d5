"""Several results for one request, side by side where that gives the same as one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midigpt import _native
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.errors import ContextOverflow, StepRejected
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.merge import merge
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.prompt import PromptWriter, StepPrompt
from midigpt.inference.run import Run, RunOptions, ordered_steps, window_sizes
from midigpt.inference.sampler import Attempt
from midigpt.inference.step_sampler import StepSampler
from midigpt.score import Score
from midigpt.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Variation:
    """One candidate: the ensemble's piece, or the error that prevented it."""

    piece: Score | None
    seed: int
    gen_count: int
    error: str | None
    truncated: bool


def variations(
    model: LanguageModel,
    tokenizer: Tokenizer,
    ensemble: Ensemble,
    hooks: SessionHooks,
    options: RunOptions,
) -> list[Variation]:
    """``num_candidates`` results, with the seeds from ``options.seed`` on, without judgement.

    A request of one step without hidden bars is sampled as one batch.

    Raises:
        CancelRequested: somebody has cancelled.
    """
    config = replace(ensemble.config, max_attempts=1)
    ensemble = ensemble.with_config(config)
    seeds = [options.seed + number for number in range(config.num_candidates)]
    all_options = [replace(options, seed=seed, judge=False) for seed in seeds]
    steps = ordered_steps(ensemble, options)
    prompt = None
    if len(steps) == 1 and len(seeds) > 1 and not _has_remix(ensemble):
        prompt = PromptWriter(ensemble, tokenizer, options.parity).write(ensemble.score, steps[0])
    if prompt is None or prompt.hidden_spans or len(prompt.tokens) >= model.n_positions:
        return [_alone(model, tokenizer, ensemble, hooks, one) for one in all_options]
    sampler = StepSampler(
        model, tokenizer, ensemble, prompt, hooks, 0, options.seed, options.parity
    )
    attempts = sampler.batch(seeds, [config.temperature] * len(seeds))
    may_overflow = len(window_sizes(config, tokenizer)) > 1
    return [
        _alone(model, tokenizer, ensemble, hooks, one)  # may try a shorter window
        if attempt.was_cut and may_overflow
        else _of_attempt(attempt, prompt, ensemble, tokenizer, one)
        for attempt, one in zip(attempts, all_options, strict=True)
    ]


def _alone(
    model: LanguageModel,
    tokenizer: Tokenizer,
    ensemble: Ensemble,
    hooks: SessionHooks,
    options: RunOptions,
) -> Variation:
    run = Run(model, tokenizer, ensemble, hooks, options)
    before = hooks.gen_count
    try:
        piece, error = run.execute(), None
    except (StepRejected, ContextOverflow) as failure:
        piece, error = None, str(failure)
    return Variation(piece, options.seed, hooks.gen_count - before, error, run.truncated)


def _of_attempt(
    attempt: Attempt,
    prompt: StepPrompt,
    ensemble: Ensemble,
    tokenizer: Tokenizer,
    options: RunOptions,
) -> Variation:
    if attempt.failure is not None:
        return Variation(None, options.seed, len(attempt.tokens), str(attempt.failure), False)
    window = _native.from_cpp(attempt.state.result())
    piece = merge(ensemble.score, prompt.step, window, tokenizer, options.parity)
    return Variation(piece, options.seed, len(attempt.tokens), None, attempt.was_cut)


def _has_remix(ensemble: Ensemble) -> bool:
    """Whether the notes to keep depend on the seed."""
    return any("remix" in prompt.controls for prompt in ensemble.prompts)
