"""Encoders and the windows of a piece that they can say."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from midigpt import Note, Score, Track, _core
from midigpt.tokenizer.tokenizer import Tokenizer

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"
NAMES = ("yellow", "prism", "expressive", "ghost")
LENGTHS = (4, 8, 12, 16)


@cache
def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of a published encoder configuration."""
    return Tokenizer(_core.EncoderConfig.from_json((ENCODERS / f"{name}.json").read_text()))


@cache
def lengths(name: str) -> tuple[int, ...]:
    """The window lengths of an encoder, in bars."""
    data = json.loads((ENCODERS / f"{name}.json").read_text())
    return tuple(n for n in LENGTHS if n in data["num_bars_map"])


@dataclass(frozen=True)
class Window:
    """Bars ``first`` to ``first + bars`` of a piece, ready for one encoder."""

    encoder: str
    bars: int
    first: int
    score: Score

    @property
    def label(self) -> str:
        return f"{self.encoder}, bars {self.first} to {self.first + self.bars - 1}"

    def random(self) -> random.Random:
        """Random numbers that are the same for the same window everywhere."""
        return random.Random(self.label)


def windows(score: Score, stride: int, encoders: Iterable[str] = NAMES) -> Iterator[Window]:
    """Every window of the encoders, ``stride`` bars (0: their length) apart."""
    bars = min((len(track.bars) for track in score.tracks), default=0)
    for encoder in encoders:
        for length in lengths(encoder):
            for first in range(0, bars - length + 1, stride or length):
                yield Window(encoder, length, first, cut(score, first, length))


def cut(score: Score, first: int, count: int) -> Score:
    """The piece's bars ``first`` to ``first + count``, sharing bars, without attributes."""
    end = first + count
    tracks = [Track(t.bars[first:end], t.instrument, t.track_type) for t in score.tracks]
    return Score(tracks, score.resolution, score.tempo)


def random_fill(window: Window) -> set[tuple[int, int]]:
    """One to four cells of a window, to be filled in."""
    rng = window.random()
    cells = [(t, b) for t in range(len(window.score.tracks)) for b in range(window.bars)]
    return set(rng.sample(cells, min(len(cells), rng.randint(1, 4))))


def options(**fields: Any) -> _core.EncodeOptions:
    """Encode options with some fields set."""
    opts = _core.EncodeOptions()
    for name, value in fields.items():
        setattr(opts, name, value)
    return opts


def as_data(score: Score) -> dict[str, Any]:
    """A whole score in lists and numbers, attributes included."""
    return {
        "resolution": score.resolution,
        "tempo": score.tempo,
        "tracks": [
            {
                "instrument": t.instrument,
                "type": t.track_type,
                "attributes": sorted(t.attributes.items()),
                "bars": [
                    [b.ts_numerator, b.ts_denominator, b.beat_length, b.future, notes(b.notes)]
                    for b in t.bars
                ],
            }
            for t in score.tracks
        ],
    }


def notes(listed: list[Note]) -> list[list[int]]:
    """The fields of each note."""
    return [[n.pitch, n.velocity, n.onset_ticks, n.duration_ticks, n.delta] for n in listed]


def note_count(score: Score) -> int:
    """Number of notes of a score."""
    return sum(len(bar.notes) for track in score.tracks for bar in track.bars)
