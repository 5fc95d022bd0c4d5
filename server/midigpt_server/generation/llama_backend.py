"""The backend that plays a text-to-music Llama bar by bar.

A job's bars become events; what was read for the bar before is kept as far as it still holds, what
was really played is appended, and the next bar is written after it. When the window is full, or the
text changes, the events are counted anew from a later bar, which is read while nothing else runs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midigpt import _native, events
from midigpt.captions import Features, caption
from midigpt.captions.phrases import density_level
from midigpt.compose.prompt import Prompter
from midigpt.inference import PrefixCache
from midigpt.inference.model.llama_folder import open_llama
from midigpt.inference.model.native import NativeModel
from midigpt.inference.model.native_llama import load_llama
from midigpt.inference.prefill import PromptTokens
from midigpt.inference.task import Task
from midigpt_server.generation.job import GenerationError, Job, Listener, PromptState, Result
from midigpt_server.generation.llama_window import (
    Window,
    instruments,
    names,
    own_tempo,
    quarter_ticks,
    velocities,
)
from midigpt_server.generation.request import bar_seed, voice_of
from midigpt_server.generation.usual_density import usual_density
from midigpt_server.generation.voices import Voices
from midigpt_server.timing.bars import BarNote

_CONTEXT = 2048
_SLOTS = 8
#: Shares of the context: a window that grows beyond the first is cut to the second.
_HIGH, _LOW = 0.8, 0.45
#: After a change of the text so much music is kept, so that the text is heard.
_BARS_AFTER_TEXT = 2
#: So far back an agent looks to see whether it plays too little or too much.
_BARS_BEFORE = 8
#: Factors for texts that call the music sparse, light, full, dense.
_DENSITIES = (0.4, 0.75, 1.4, 2.5)
#: A bar has at most twice the notes wanted, and a few.
_MOST_NOTES, _FEWEST, _MOST_IDS = 64, 4, 600
_ACCENTS = ((1.0, 8), (0.25, 3))  # at bar lines and beats, in fractions of the bar
_GOING_ON = (_native.StepStatus.RUNNING, _native.StepStatus.CANCELLED)


@dataclass
class _Voice:
    """What one agent has read: two windows, the one it plays in and one to come."""

    cache: PrefixCache = field(default_factory=lambda: PrefixCache(2))
    base: int | None = None
    text: str = ""
    quarter: int = 0


class LlamaBackend:
    """Writes the bars of jobs with a Llama of events; see :class:`.job.Backend`."""

    def __init__(
        self,
        model: NativeModel,
        prompter: Prompter,
        method: _native.DensityMethod = _native.DensityMethod.THIN,
    ) -> None:
        self._model, self._prompter, self._method = model, prompter, method
        self._voices = Voices(_Voice)

    @classmethod
    def open(
        cls, folder: Path, method: _native.DensityMethod = _native.DensityMethod.THIN
    ) -> LlamaBackend:
        """Load a folder; raises as :func:`load_llama` and :meth:`Prompter.from_folder`."""
        config = open_llama(folder).config
        prompter = Prompter.from_folder(folder, config.vocab_size)
        return cls(load_llama(folder, min(config.n_positions, _CONTEXT)), prompter, method)

    @property
    def slots(self) -> int:
        """Jobs whose loops share their passes."""
        return _SLOTS

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        """Write the job's bars, one after the other."""
        voice = self._voices.use(job.voice)
        written: dict[int, tuple[BarNote, ...]] = {}
        drawn = 0
        try:
            for bar in range(job.write_from, job.deliver_end):
                window, prompt = self._prompt(job, voice, bar, written)
                if bar == job.write_from:
                    listener.prompted(_prompt_state(job, window.base))
                pace = _pace(job, window, bar, written, voice.text)
                with self._loop(job, voice, window, bar, prompt, _MOST_IDS, **pace) as loop:
                    notes: list[BarNote] = []
                    while True:
                        _check(job)
                        yield [loop]
                        new = _bar_notes(job, window, bar, loop.notes[len(notes) :])
                        notes += new
                        if new and job.values["streaming"]:
                            listener.sampled(1, bar, new)
                        if loop.status not in _GOING_ON:
                            break
                drawn += loop.drawn
                written[bar] = tuple(notes)
        except ValueError as error:
            raise GenerationError(str(error)) from error
        return Result(written, tokens=drawn)

    def foresee(self, job: Job) -> Task[None]:
        """Read what the job will read."""
        yield from self._read(job, job.write_from, {})

    def settle(self, job: Job, result: Result) -> Task[None]:
        """Read what is known of the bar after the job's, anew where the window was full."""
        yield from self._read(job, job.deliver_end, result.bars)

    def _read(self, job: Job, bar: int, written: Mapping[int, Sequence[BarNote]]) -> Task[None]:
        voice = self._voices.use(job.voice)
        window, prompt = self._prompt(job, voice, bar, written)
        with self._loop(job, voice, window, bar, prompt, 0) as loop:
            while loop.status in _GOING_ON:
                yield [loop]

    @contextmanager
    def _loop(
        self,
        job: Job,
        voice: _Voice,
        window: Window,
        bar: int,
        prompt: NDArray[np.int32],
        budget: int,
        **pace: Any,
    ) -> Iterator[_native.BarLoop]:
        programs, begin = instruments(job), window.line(bar)
        own = programs[job.agent_id]
        band = {programs[t.id] for t in job.tracks if t.id != job.agent_id and not t.ignored}
        values = {**job.values, **job.track_values}
        seed = bar_seed(job.values["sampling_seed"], bar, voice_of(job))
        with voice.cache.lend(self._model, PromptTokens.of(prompt.tolist(), (), "")) as sequence:
            yield _native.BarLoop(
                transformer=self._model.transformer,
                sequence=sequence,
                temperature=values["temperature"],
                top_k=values["top_k"],
                top_p=values["top_p"],
                prompt=prompt,
                first_id=self._prompter.first_event,
                begin=begin,
                end=begin + window.length(bar),
                instrument=own,
                band=sorted(band - {own}),
                lowest=values.get("min_pitch", 0),
                highest=values.get("max_pitch", 127),
                method=self._method,
                budget=budget,
                seed=seed if seed >= 0 else random.getrandbits(31),
                pause=_native.Pause.AT_NEWS if values["streaming"] else _native.Pause.NEVER,
                cancel=job.cancel.flag,
                **pace,
            )

    def _prompt(
        self, job: Job, voice: _Voice, bar: int, written: Mapping[int, Sequence[BarNote]]
    ) -> tuple[Window, NDArray[np.int32]]:
        """The ids before a bar, counted from the base of the voice, or from a later one."""
        quarter = quarter_ticks(job.tempo, voice.quarter)
        text = _text(job, quarter)
        text_ids = np.array(self._prompter.encode(text), dtype=np.int32)

        def since(base: int) -> tuple[Window, NDArray[np.int32]] | None:
            """None if it is too long."""
            window = Window(job, base, quarter)
            if window.line(bar) + window.length(bar) >= events.TIMES:
                return None
            ids = events.to_ids(window.events(bar, written)) + self._prompter.first_event
            return window, np.concatenate([text_ids, ids]).astype(np.int32)

        first, room = max(job.first_bar, 0), self._model.n_positions
        kept = voice.base is not None and first <= voice.base <= bar and quarter == voice.quarter
        if kept and text == voice.text:
            assert voice.base is not None
            found = since(voice.base)
            if found is not None and len(found[1]) <= _HIGH * room:
                return found
        if voice.text and text != voice.text:
            first = max(first, bar - _BARS_AFTER_TEXT)
        voice.text, voice.quarter = text, quarter
        for base in range(first, bar + 1):
            found = since(base)
            if found is not None and (len(found[1]) <= _LOW * room or base == bar):
                voice.base = base
                return found
        raise GenerationError("a bar of this length does not fit the model's window")


def _pace(
    job: Job, window: Window, bar: int, written: Mapping[int, Sequence[BarNote]], text: str
) -> dict[str, Any]:
    """How many notes are wanted of the agent in a bar and in those before; see :class:`BarLoop`.

    Those before count since it came in; all of them while it is silent, so that it does come in.
    """
    factor = job.track_values.get("density", 1.0) * _density_of(text)
    a_quarter = factor * usual_density(instruments(job)[job.agent_id])
    bars = range(max(job.first_bar, bar - _BARS_BEFORE), bar)
    played = {b: len(window.notes(job.agent, b, written)) for b in bars}
    before = range(next((b for b in bars if played[b]), bars.start), bar)
    wanted = a_quarter * window.meter(bar).quarters
    return {
        "wanted": wanted,
        "wanted_before": a_quarter * sum(window.meter(b).quarters for b in before),
        "played_before": sum(played[b] for b in before),
        "most_notes": min(_MOST_NOTES, _FEWEST + round(2 * wanted)),
    }


def _density_of(text: str) -> float:
    """How many times the usual notes to play for a text that says how dense the music is.

    What stands in the context weighs more with a model than a word before it, so the word also acts
    here.
    """
    level = density_level(text)
    return 1.0 if level is None else _DENSITIES[level]


def _text(job: Job, quarter: int) -> str:
    """What the player has asked for, or else what is known of the session.

    The tempo is that at which the model hears it, which stays while the session's wavers.
    """
    wished = str(job.track_values.get("prompt_text", "")).strip()
    if wished:
        return wished
    meter = job.meter(job.target)
    facts = Features(
        names(job), tempo=own_tempo(quarter), meter=(meter.numerator, meter.denominator)
    )
    return caption(facts, random.Random(0))


def _check(job: Job) -> None:
    if job.cancel.is_set():
        raise GenerationError("cancelled")


def _bar_notes(
    job: Job, window: Window, bar: int, notes: Sequence[tuple[int, int, int]]
) -> list[BarNote]:
    """Notes of the loop in fractions of their bar, with velocities."""
    line, length, mean = window.line(bar), window.length(bar), velocities(job)
    found = []
    for time, duration, pitch in notes:
        onset = (time - line) / length
        accent = next((a for unit, a in _ACCENTS if (onset / unit).is_integer()), 0)
        velocity = max(1, min(127, mean + accent))
        found.append(BarNote(pitch, velocity, onset, max(1, duration) / length))
    return found


def _prompt_state(job: Job, base: int) -> PromptState:
    bars = range(base, job.end_bar)
    states = {
        track.id: tuple(
            "T" if track.id == job.agent_id and bar >= job.write_from
            else "M" if bar in track.hidden
            else "C"
            for bar in bars
        )
        for track in job.tracks
        if not track.ignored
    }  # fmt: skip
    return PromptState(base, job.end_bar, states)
