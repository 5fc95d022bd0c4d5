"""A backend without a model: its bars are a formula, its prompt states follow the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

from midigpt.inference.task import Task
from midigpt_server.generation.job import (
    GenerationError,
    Job,
    JobTrack,
    Listener,
    PromptState,
    Result,
)
from midigpt_server.generation.model_info import AttributeInfo, ModelInfo
from midigpt_server.timing.bars import BarNote, Meter

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"

YELLOW_ATTRIBUTES = {
    "note_density": AttributeInfo(10, "track", "drum"),
    "min_polyphony": AttributeInfo(10, "track", "melodic"),
    "max_polyphony": AttributeInfo(10, "track", "melodic"),
    "min_note_duration": AttributeInfo(6, "track", "melodic"),
    "max_note_duration": AttributeInfo(6, "track", "melodic"),
}
EXPRESSIVE_ATTRIBUTES = {
    "key_signature": AttributeInfo(25, "track", "melodic"),
    "pitch_range": AttributeInfo(128, "track", "melodic"),
    "silence_proportion": AttributeInfo(10, "track", "both"),
    "min_note_duration": AttributeInfo(6, "track", "melodic"),
    "max_note_duration": AttributeInfo(6, "track", "melodic"),
    "nomml": AttributeInfo(13, "track", "both"),
    "bar_note_density": AttributeInfo(10, "bar", "drum"),
}


def model_info(encoder: str) -> ModelInfo:
    config = json.loads((ENCODERS / f"{encoder}.json").read_text())
    return ModelInfo(
        window_lengths=tuple(config["num_bars_map"]),
        meters=tuple(Meter(*map(int, s.split("/"))) for s in config["time_signatures"]),
        has_mask_token=config.get("supports_mask_bar_token", False),
        attributes=YELLOW_ATTRIBUTES if encoder in ("yellow", "ghost") else EXPRESSIVE_ATTRIBUTES,
    )


class StandIn:
    """Writes ``notes_per_bar`` notes into every bar, pitch 40 + bar; keeps the jobs it was given.

    While ``gate`` is not set a generation waits, until it is cancelled.
    """

    def __init__(self, encoder: str = "ghost", notes_per_bar: int = 2) -> None:
        self.info = model_info(encoder)
        self.notes_per_bar = notes_per_bar
        self.jobs: list[Job] = []
        self.gate = Event()
        self.gate.set()
        self.fail_with: BaseException | None = None

    @property
    def slots(self) -> int:
        return 1

    def foresee(self, job: Job) -> Task[None]:
        yield ()

    def settle(self, job: Job, result: Result) -> Task[None]:
        yield ()

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        self.jobs.append(job)
        if self.fail_with is not None:
            raise self.fail_with
        listener.prompted(self.prompt(job))
        while not self.gate.wait(0.002):
            if job.cancel.is_set():
                raise GenerationError("cancelled")
            yield ()
        bars = {bar: self.notes(bar) for bar in range(job.write_from, job.deliver_end)}
        if job.values["streaming"]:
            for bar in range(job.target, job.deliver_end):
                for note in bars[bar]:
                    listener.sampled(1, bar, [note])
        return Result(bars, {"max_polyphony": 1})

    def notes(self, bar: int) -> tuple[BarNote, ...]:
        count = self.notes_per_bar
        return tuple(BarNote(40 + bar % 80, 100, n / count, 1.5) for n in range(count))

    def prompt(self, job: Job) -> PromptState:
        start = max(job.first_bar, min(job.write_from, job.end_bar - job.values["model_dim"]))
        window = range(start, min(start + job.values["model_dim"], job.end_bar))
        hidden = "M" if job.values["mask_mode"] in ("token", "remove") else "A"

        def letter(track: JobTrack, bar: int) -> str:
            if bar in track.hidden:
                return hidden
            return "T" if track.id == job.agent_id and bar >= job.write_from else "C"

        return PromptState(
            window.start,
            window.stop,
            {
                track.id: tuple(letter(track, bar) for bar in window)
                for track in job.tracks
                if not track.ignored
            },
        )
