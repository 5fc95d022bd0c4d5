"""A job in the words of the inference engine: a score of the window, and a request on it.

Bars are counted from the window's first bar, tracks by their position in the job. Notes are put on
the model's grid here, once, and taken off it in :mod:`midigpt_server.generation.engine_backend`,
so the agent's own bars come back to the model exactly as it wrote them (D02).
"""

from __future__ import annotations

from collections.abc import Iterable

from midigpt import Bar, Note, Score, Track
from midigpt.inference import GenerationRequest, InferenceConfig, TrackPrompt
from midigpt_server.generation.job import Job, JobTrack
from midigpt_server.timing.bars import BarNote, Meter, to_ticks

#: parameters that the inference configuration has under the same name
_SAMPLING = (
    "temperature",
    "temperature_escalation",
    "top_p",
    "top_k",
    "mask_p",
    "mask_k",
    "max_attempts",
    "novelty_check",
    "silence_check",
    "polyphony_hard_limit",
    "density_hard_limit",
    "hold_density",
    "follow_kick",
    "mask_mode",
    "model_dim",
)
_SEEDS = 2**31
_VOICE_STEP = 104_729 * 1009
_SEED_STEP = 7919  # beyond the seeds of a bar's attempts


def score_of(job: Job, resolution: int) -> Score:
    """The job's window at ``resolution`` ticks per quarter note."""
    return Score([_track(track, job.meters, resolution) for track in job.tracks], resolution)


def request_of(job: Job, bar_attributes: frozenset[str] = frozenset()) -> GenerationRequest:
    """What to write, hide and leave out, and how to sample.

    ``bar_attributes`` are the names among the job's attributes that belong to bars.
    """
    values = {name: job.values[name] for name in _SAMPLING}
    values["temperature"] = job.track_values.get("temperature", values["temperature"])
    return GenerationRequest(
        [_prompt(job, index, track, bar_attributes) for index, track in enumerate(job.tracks)],
        InferenceConfig(
            seed=bar_seed(job.values["sampling_seed"], job.target, voice_of(job)),
            bars_per_step=job.values["num_anticipated_bars"],
            tracks_per_step=0,
            **values,
        ),
    )


def bar_seed(seed: int, bar: int, voice: int = 0) -> int:
    """The seed of one bar: equal for equal arguments, different from bar to bar (D46) and from
    agent to agent and take to take (``voice``).

    A negative seed stays negative: random.
    """
    return seed if seed < 0 else (seed + _SEED_STEP * bar + _VOICE_STEP * voice) % _SEEDS


def voice_of(job: Job) -> int:
    """Tells agents and takes apart, for seeds."""
    agents = [track.id for track in job.tracks if track.is_agent]
    return agents.index(job.agent_id) + len(agents) * job.take


def _prompt(job: Job, index: int, track: JobTrack, bar_attributes: frozenset[str]) -> TrackPrompt:
    if track.ignored:
        return TrackPrompt(index, [], ignore=True)

    def in_window(bars: Iterable[int]) -> list[int]:
        return [bar - job.first_bar for bar in bars if bar >= job.first_bar]

    if track.id != job.agent_id:
        return TrackPrompt(index, [], mask_bars=in_window(track.hidden))
    to_write = in_window(range(job.write_from, job.end_bar))
    per_bar = {n: v for n, v in job.attributes.items() if n in bar_attributes}
    return TrackPrompt(
        index,
        to_write,
        autoregressive=True,
        mask_bars=in_window(track.hidden),
        attributes={n: v for n, v in job.attributes.items() if n not in bar_attributes},
        controls=_pitch_range(job),
        bar_attributes={bar: per_bar for bar in to_write} if per_bar else {},
    )


def _pitch_range(job: Job) -> dict[str, dict[str, list[int]]]:
    low = job.track_values.get("min_pitch", 0)
    high = job.track_values.get("max_pitch", 127)
    if (low, high) == (0, 127):
        return {}
    return {"pitch_mask": {"pitches": list(range(low, high + 1))}}


def _track(track: JobTrack, meters: tuple[Meter, ...], resolution: int) -> Track:
    bars = [
        Bar([], meter.numerator, meter.denominator, beat_length=meter.quarters) for meter in meters
    ]
    for index, (notes, meter) in enumerate(zip(track.bars, meters, strict=True)):
        for sounding in notes:
            note = _note(sounding, meter.ticks(resolution))
            if note.onset_ticks < meter.ticks(resolution):
                bars[index].notes.append(note)
            elif index + 1 < len(bars):  # it rounds to the next bar line
                note.onset_ticks = 0
                bars[index + 1].notes.append(note)
    return Track(bars, track.instrument, "drum" if track.is_drum else "melodic")


def _note(note: BarNote, bar_ticks: int) -> Note:
    return Note(
        note.pitch,
        note.velocity,
        to_ticks(note.onset, bar_ticks),
        max(1, to_ticks(note.duration, bar_ticks)),
    )
