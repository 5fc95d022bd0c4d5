"""Several results for one request, side by side where that gives the same as one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from midigpt import _native
from midigpt.inference.ensemble import Ensemble
from midigpt.inference.errors import ContextOverflow, StepRejected
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.merge import merge
from midigpt.inference.model.interface import LanguageModel
from midigpt.inference.prefix_cache import PrefixCache
from midigpt.inference.prompt import PromptWriter, StepPrompt
from midigpt.inference.run import Run, RunOptions, ordered_steps, window_sizes
from midigpt.inference.sampler import Attempt
from midigpt.inference.step_sampler import StepSampler
from midigpt.inference.task import Task
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
    prefixes: PrefixCache,
) -> Task[list[Variation]]:
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
    writer = PromptWriter(ensemble, tokenizer, options.parity)
    prompt = None
    if len(steps) == 1 and len(seeds) > 1 and not _has_remix(ensemble):
        prompt = writer.write_once(ensemble.score, steps[0])

    def alone(options: RunOptions) -> Task[Variation]:
        run = Run(model, tokenizer, ensemble, hooks, options, prefixes, writer)
        before = hooks.gen_count
        try:
            piece, error = (yield from run.execute()), None
        except (StepRejected, ContextOverflow) as failure:
            piece, error = None, str(failure)
        return Variation(piece, options.seed, hooks.gen_count - before, error, run.truncated)

    found: list[Variation] = []
    if prompt is None or prompt.hidden_spans or len(prompt.tokens) >= model.n_positions:
        for one in all_options:
            found.append((yield from alone(one)))
        return found
    with StepSampler(
        model, tokenizer, ensemble, prompt, hooks, prefixes, 0, options.seed, options.parity
    ) as sampler:
        attempts = yield from sampler.batch(seeds, [config.temperature] * len(seeds))
    may_overflow = len(window_sizes(config, tokenizer)) > 1
    for attempt, one in zip(attempts, all_options, strict=True):
        if attempt.was_cut and may_overflow:  # may try a shorter window
            found.append((yield from alone(one)))
        else:
            found.append(_of_attempt(attempt, prompt, ensemble, tokenizer, one))
    return found


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
