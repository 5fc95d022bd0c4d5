"""The backend that asks the inference engine of midigpt."""

from __future__ import annotations

import dataclasses
from typing import Any

from midigpt import Score, Track
from midigpt.inference import (
    GenerationCancelled,
    InferenceEngine,
    PrefixCache,
    SamplingSession,
)
from midigpt.inference.model.native import NativeModel
from midigpt.inference.task import Task
from midigpt_server.generation.job import GenerationError, Job, Listener, PromptState, Result
from midigpt_server.generation.model_info import AttributeInfo, ModelInfo
from midigpt_server.generation.request import request_of, score_of
from midigpt_server.generation.voices import Voices
from midigpt_server.timing.bars import BarNote, Meter

_SLOTS = 8

#: attributes that ``/midigpt/sampled/attrs`` tells, as in MIDI-GPT 0.4.2
_TOLD_ATTRIBUTES = frozenset(
    {
        "note_density",
        "min_polyphony",
        "max_polyphony",
        "onset_polyphony",
        "min_note_duration",
        "max_note_duration",
    }
)


@dataclasses.dataclass
class _Voice:
    """The last prompt that was read for a voice, and the job that was foreseen."""

    prompts: PrefixCache = dataclasses.field(default_factory=lambda: PrefixCache(1))
    foreseen: tuple[Job, SamplingSession] | None = None


class EngineBackend:
    """Writes the bars of jobs with an :class:`~midigpt.inference.InferenceEngine`."""

    def __init__(self, engine: InferenceEngine) -> None:
        self.engine = engine
        self._config = engine.tokenizer.config
        self._analyzer = engine.analyzer
        # microtiming needs ticks finer than the model's grid (D19)
        self._resolution = (
            self._config.decode_resolution
            if self._config.emit_delta_tokens
            else self._config.resolution
        )
        self._bar_attributes = frozenset(
            name for name, level in self._analyzer.attribute_levels().items() if level == "bar"
        )
        self._voices = Voices(_Voice)
        self.info = self._describe()

    @property
    def slots(self) -> int:
        """Compiled loops share their passes; other models compute one job after the other."""
        return _SLOTS if isinstance(self.engine.model, NativeModel) else 1

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        """Write the job's bars; see :class:`midigpt_server.generation.job.Backend`."""
        try:
            session = self._foreseen_session(job) or self._session(job)
            session.prompt_state_sink = lambda state: listener.prompted(
                _prompt_state(job, state, session.dropped_context)
            )
            if job.values["streaming"]:
                session.note_interval = 0.0
                session.note_sink = lambda notes: self._tell(job, session.attempt, notes, listener)
            written = yield from session.task()
        except GenerationCancelled:
            raise GenerationError("cancelled") from None
        except (ValueError, RuntimeError) as error:
            raise GenerationError(str(error)) from error
        agent = written.tracks[job.tracks.index(job.agent)]
        bars = {
            bar: _bar_notes(agent, bar - job.first_bar, job.meter(bar), written.resolution)
            for bar in range(job.write_from, job.deliver_end)
        }
        levels = self._levels(job, agent, written.resolution)
        return Result(bars, levels, session.gen_count)

    def foresee(self, job: Job) -> Task[None]:
        """Read the job's prompt into the cache of its voice."""
        session = self._session(job)
        self._voices.use(job.voice).foreseen = job, session
        yield from session.prefill_task()

    def _foreseen_session(self, job: Job) -> SamplingSession | None:
        """That of what was foreseen, if just that is wanted now: its prompt is written."""
        voice = self._voices.use(job.voice)
        foreseen, voice.foreseen = voice.foreseen, None
        if foreseen is None or not foreseen[0].asks_the_same(job):
            return None
        session = foreseen[1]
        session.cancel_event = job.cancel
        return session

    def settle(self, job: Job, result: Result) -> Task[None]:
        """Nothing: the next prompt is not known before its bar is heard."""
        yield ()

    def _session(self, job: Job) -> SamplingSession:
        """Raises ``ValueError``: the request cannot be fulfilled."""
        session = self.engine.session(
            score_of(job, self._resolution),
            request_of(job, self._bar_attributes),
            stop_after_bars=job.deliver_end - job.write_from,
            cache=self._voices.use(job.voice).prompts,
        )
        session.cancel_event = job.cancel
        return session

    def _tell(
        self, job: Job, attempt: int, notes: list[dict[str, int]], listener: Listener
    ) -> None:
        agent = job.tracks.index(job.agent)
        by_bar: dict[int, list[BarNote]] = {}
        for note in notes:
            bar = job.first_bar + note["bar"]
            if note["track"] == agent and job.write_from <= bar < job.deliver_end:
                ticks = job.meter(bar).ticks(self._config.decode_resolution)
                by_bar.setdefault(bar, []).append(
                    BarNote(
                        note["pitch"],
                        note["velocity"],
                        note["onset_ticks"] / ticks,
                        note["duration_ticks"] / ticks,
                    )
                )
        for bar, new in by_bar.items():
            listener.sampled(attempt, bar, new)

    def _levels(self, job: Job, agent: Track, resolution: int) -> dict[str, int]:
        """The agent's attribute levels in the delivered bars (D32)."""
        first = job.target - job.first_bar
        bars = agent.bars[first : job.deliver_end - job.first_bar]
        delivered = Score([dataclasses.replace(agent, bars=bars)], resolution)
        levels = self._analyzer.compute_track_tokens(delivered.resample(self._config.resolution), 0)
        return {name: level for name, level in levels.items() if name in _TOLD_ATTRIBUTES}

    def _describe(self) -> ModelInfo:
        sizes = self._analyzer.attribute_sizes()
        levels = self._analyzer.attribute_levels()
        track_types = self._analyzer.attribute_track_types()
        return ModelInfo(
            window_lengths=tuple(self._config.num_bars_map),
            meters=tuple(Meter(n, d) for n, d in self._config.time_signatures),
            has_mask_token=self._config.supports_mask_bar_token,
            attributes={
                name: AttributeInfo(size, levels[name], track_types[name])
                for name, size in sizes.items()
            },
            decode_resolution=self._config.decode_resolution,
        )


def _bar_notes(track: Track, bar: int, meter: Meter, resolution: int) -> tuple[BarNote, ...]:
    """A bar's notes in fractions of the bar; microtiming goes into the onset (D19)."""
    bar_ticks = meter.ticks(resolution)
    return tuple(
        BarNote(
            note.pitch,
            note.velocity,
            (note.onset_ticks + note.delta / resolution) / bar_ticks,
            note.duration_ticks / bar_ticks,
        )
        for note in track.bars[bar].notes
    )


def _prompt_state(job: Job, state: dict[str, Any], dropped: list[int]) -> PromptState:
    """The engine's report in absolute bars and track ids.

    The agent's bars after the delivered ones are shown as to be generated, as clients know it from
    MIDI-GPT 0.4.2, though generation stops before them.
    """
    start = job.first_bar + state["start_bar"]
    written_from = job.write_from - start

    def letters(track: dict[str, Any]) -> tuple[str, ...]:
        states = track["states"]
        if job.tracks[track["id"]].id != job.agent_id:
            return tuple(states)
        return (*states[:written_from], *["T"] * len(states[written_from:]))

    return PromptState(
        start,
        job.first_bar + state["end_bar"],
        {job.tracks[track["id"]].id: letters(track) for track in state["tracks"]},
        tuple(job.tracks[index].id for index in dropped),
    )
