"""What a model reads while a session runs is what it was trained on, id by id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from midigpt import Bar, Note, Score
from midigpt import Track as ScoreTrack
from midigpt.encoder_config import EncoderConfig
from midigpt.inference import InferenceEngine
from midigpt.inference.task import drive
from midigpt.tokenizer import Tokenizer
from midigpt.training.samples import Sampler
from midigpt.training.situation import Situation
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted, freeze
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote, Meter

ENCODER = Path(__file__).parents[2] / "models" / "encoders" / "ghost.json"
WINDOW, ENTRY = 8, 4


class Read(Exception):
    """Carries the prompt that a model was asked to read."""


class Deaf:
    """A listener that does not."""

    def prompted(self, prompt: object) -> None: ...

    def sampled(self, attempt: int, bar: int, notes: object) -> None: ...


class Memory(list[int]):
    """A cache that holds just the ids."""

    @property
    def length(self) -> int:
        return len(self)

    def truncate(self, length: int) -> None:
        del self[length:]


class Reader:
    """Stands in for a language model, to see what a session lets it read before it writes."""

    vocab_size, n_positions = 650, 2048

    def new_cache(self, batch: int = 1) -> Memory:
        return Memory()

    def prefill(
        self, ids: Sequence[int], cache: Memory, *args: object, **kwargs: object
    ) -> NDArray[np.float32]:
        cache.extend(int(token) for token in ids)
        return np.zeros((1, self.vocab_size), np.float32)

    def step(self, ids: Sequence[int], cache: Memory, *args: object) -> NDArray[np.float32]:
        raise Read(cache)


def encoder_config() -> EncoderConfig:
    return EncoderConfig.from_json(ENCODER.read_text())


def take(n_bars: int) -> list[list[list[Note]]]:
    """Notes of every bar of a lead, drums and a bass, on the grid of 12 ticks a quarter."""
    rng = Random(1)

    def bar(pitches: range, longest: int) -> list[Note]:
        onsets = sorted(rng.sample(range(0, 48, 3), rng.randint(1, 6)))
        return [
            Note(rng.choice(pitches), rng.randint(20, 120), onset, rng.randint(1, longest))
            for onset in onsets
        ]

    parts = (range(60, 85), 24), (range(35, 50), 1), (range(28, 50), 60)
    return [[bar(pitches, longest) for _ in range(n_bars)] for pitches, longest in parts]


@pytest.mark.parametrize("target", [4, 5, 6, 7, 8, 11, 12, 30])
def test_the_model_reads_what_it_was_trained_on(target: int) -> None:
    playhead, end = target - 1, max(target + 1, WINDOW)
    first = end - WINDOW
    lead, drums, bass = take(end)

    stage = Stage(ModelInfo(window_lengths=(4, 8)), {})
    piece = stage.piece
    for identity, program, is_drum, is_agent in (
        (7, 80, False, False),
        (2, 0, True, False),
        (9, 33, False, True),
    ):
        piece.add_track(Track(identity, program, is_drum, is_agent))
    for index in range(playhead):
        for identity, notes in ((7, lead[index]), (2, drums[index])):
            for note in notes:
                piece.add_note(identity, index, fractions(note))
        piece.end_bar(index, Meter())
    assert piece.agent is not None
    for index in range(ENTRY, target):
        piece.agent.bars[index] = tuple(fractions(note) for note in bass[index])
    values = stage.parameters.current()
    job = freeze(stage, Wanted(piece.agent, target, target + 1, 0, values, 0.0), values, {})
    engine = InferenceEngine(Reader(), Tokenizer(encoder_config()))  # type: ignore[arg-type]
    with pytest.raises(Read) as read:
        drive(EngineBackend(engine).start(job, Deaf()))

    session = Score(
        [
            ScoreTrack([Bar(notes) for notes in bars[first:end]], program, kind)
            for bars, program, kind in (
                (lead, 80, "melodic"),
                (drums, 0, "drum"),
                (bass, 33, "melodic"),
            )
        ],
        resolution=12,
    )
    situation = Situation(WINDOW, playhead - first, target - first, entry=max(0, ENTRY - first))
    sample = Sampler(encoder_config(), {}, {}).live_sample(session, situation)
    assert sample.ids[: sample.target] == read.value.args[0]


def fractions(note: Note) -> BarNote:
    return BarNote(note.pitch, note.velocity, note.onset_ticks / 48, note.duration_ticks / 48)
