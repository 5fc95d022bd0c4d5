"""The tracks that take part in a generation, renumbered from 0."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from midigpt.inference.config import GenerationRequest, InferenceConfig, TrackPrompt
from midigpt.inference.planner import PlannedStep, plan
from midigpt.score import Score


@dataclass(frozen=True)
class Ensemble:
    """A validated request on the tracks that take part in it.

    Attributes:
        score: those tracks of the caller's score; shared with it and never changed.
        request: with one prompt per track, by the new numbers and in their order.
        numbers: the caller's number of each track.
    """

    score: Score
    request: GenerationRequest
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, score: Score, request: GenerationRequest) -> Ensemble:
        """All tracks but the ignored ones."""
        prompts = sorted(request.tracks, key=lambda prompt: prompt.id)
        everyone = cls(score, replace(request, tracks=prompts), tuple(range(len(score.tracks))))
        return everyone.without({prompt.id for prompt in prompts if prompt.ignore})

    def without(self, tracks: Collection[int]) -> Ensemble:
        """The ensemble without some tracks, given by their numbers in it."""
        stay = [track for track in range(len(self.numbers)) if track not in tracks]
        prompts = [replace(self.prompts[old], id=new) for new, old in enumerate(stay)]
        return Ensemble(
            replace(self.score, tracks=[self.score.tracks[track] for track in stay]),
            replace(self.request, tracks=prompts),
            tuple(self.numbers[track] for track in stay),
        )

    def with_config(self, config: InferenceConfig) -> Ensemble:
        """The same tracks and prompts, generated in another way."""
        return replace(self, request=replace(self.request, config=config))

    @property
    def prompts(self) -> list[TrackPrompt]:
        """One prompt per track, in track order."""
        return self.request.tracks

    @property
    def config(self) -> InferenceConfig:
        """How to plan and to sample."""
        return self.request.config

    def plan(self, done: Collection[tuple[int, int]] = ()) -> list[PlannedStep]:
        """The steps that generate every requested (track, bar) that is not ``done``."""
        config = self.config
        bars = range(len(self.score.tracks[0].bars))
        selected = [
            [bar in prompt.bars and (prompt.id, bar) not in done for bar in bars]
            for prompt in self.prompts
        ]
        return plan(
            selected,
            [prompt.autoregressive for prompt in self.prompts],
            [False] * len(self.prompts),
            config.model_dim,
            config.bars_per_step,
            config.tracks_per_step,
            config.ar_overlap,
            config.min_overlap_bars,
        )
