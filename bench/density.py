"""``python -m bench.density``: does a Llama agent play about as much as the part it takes over?

Of held-out pieces one part is given to an agent, which comes in after four bars and writes its bars
one after the other while the others play what they played; once for each of the two ways to keep
an agent among others (docs/decisions/0016-llama-agents.md). No clock: what it would cost is told in
ids.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from midigpt import _native, events
from midigpt.inference.task import drive
from midigpt.score import Bar, Score, Track
from midigpt.smf import MidiError
from midigpt_server.generation.job import Job, JobTrack
from midigpt_server.generation.llama_backend import LlamaBackend
from midigpt_server.protocol.parameters import PARAMETERS
from midigpt_server.timing.bars import BarNote, Meter

_METHODS = {"imagine (M1)": "IMAGINE", "thin (M2)": "THIN"}
_HEARD = 4  # bars before the agent begins


@dataclass(frozen=True)
class Part:
    """A piece as bars of notes, and which of its tracks is the agent's."""

    tracks: list[JobTrack]
    agent: int
    meters: tuple[Meter, ...]
    tempo: float


class Silent:
    """A listener of jobs that nobody listens to."""

    def prompted(self, prompt: Any) -> None:
        """Nothing."""

    def sampled(self, attempt: int, bar: int, notes: Any) -> None:
        """Nothing."""


def main() -> None:
    """Parse the command line, play, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.density", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a Llama")
    parser.add_argument("--music", type=Path, required=True, help="Parquet file of held-out MIDI")
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--bars", type=int, default=12, help="that the agent writes of each part")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parts = list(find(options))
    print(f"{len(parts)} parts of {options.bars} bars\n")
    print("| | notes, of the real part | within 2 x | ids a note | pitch classes shared |")
    print("|---|--:|--:|--:|--:|")
    row("the part itself", [measure(p, own_bars(p, options.bars), 0) for p in parts])
    for name, method in _METHODS.items():
        backend = LlamaBackend.open(options.model, getattr(_native.DensityMethod, method))
        played = [
            measure(part, *play(backend, part, options.bars, options.seed + number))
            for number, part in enumerate(tqdm(parts, desc=name, leave=False))
        ]
        row(name, played)


def find(options: argparse.Namespace) -> Iterator[Part]:
    """Parts of pieces with at least two tracks, in which both the part and another play."""
    import pyarrow.parquet as pq

    table = pq.read_table(options.music, columns=["midi"])
    rng, found = random.Random(options.seed), 0
    for row in rng.sample(range(table.num_rows), table.num_rows):
        if found == options.parts:
            return
        try:
            score = Score.from_bytes(table["midi"][row].as_py())
        except MidiError:
            continue
        part = part_of(score, _HEARD + options.bars, rng)
        if part is not None:
            found += 1
            yield part


def part_of(score: Score, bars: int, rng: random.Random) -> Part | None:
    """A random one of the tracks that play most of the first bars, if they can be told apart."""
    tracks = [track for track in score.tracks if busy(track, bars)]
    if len(tracks) < 2 or len({sound(track) for track in tracks}) < len(tracks):
        return None
    agent = rng.randrange(len(tracks))
    meters = tuple(Meter(b.ts_numerator, b.ts_denominator) for b in tracks[0].bars[:bars])
    jobs = [
        JobTrack(
            number,
            track.instrument,
            track.track_type == "drum",
            number == agent,
            False,
            tuple(bar_notes(bar, score.resolution) for bar in track.bars[:bars]),
        )
        for number, track in enumerate(tracks)
    ]
    return Part(jobs, agent, meters, 60e6 / score.tempo)


def busy(track: Track, bars: int) -> bool:
    """Whether a track plays in most of the bars."""
    return len(track.bars) >= bars and sum(bool(b.notes) for b in track.bars[:bars]) > bars * 0.75


def sound(track: Track) -> int:
    """What tells tracks apart to the model."""
    return events.DRUMS if track.track_type == "drum" else track.instrument


def bar_notes(bar: Bar, resolution: int) -> tuple[BarNote, ...]:
    """Notes in fractions of their bar."""
    length = bar.beat_length * resolution
    return tuple(
        BarNote(n.pitch, n.velocity, n.onset_ticks / length, n.duration_ticks / length)
        for n in bar.notes
    )


def own_bars(part: Part, bars: int) -> list[tuple[BarNote, ...]]:
    """What was really played."""
    return list(part.tracks[part.agent].bars[_HEARD : _HEARD + bars])


def play(
    backend: LlamaBackend, part: Part, bars: int, seed: int
) -> tuple[list[tuple[BarNote, ...]], int]:
    """Write the agent's bars; returns them and the ids drawn."""
    values = {name: f.default for name, f in PARAMETERS.items()} | {"sampling_seed": seed}
    written: list[tuple[BarNote, ...]] = [()] * _HEARD
    drawn = 0
    for bar in range(_HEARD, _HEARD + bars):
        tracks = tuple(
            JobTrack(t.id, t.instrument, t.is_drum, True, False, tuple(written))
            if t.id == part.agent
            else JobTrack(t.id, t.instrument, t.is_drum, False, False, t.bars[:bar], (bar,))
            for t in part.tracks
        )
        job = Job(
            part.agent, bar, bar + 1, 0, bar + 1, bar, tracks, part.meters[: bar + 1], {}, values,
            {}, voice=f"{id(part)}", tempo=part.tempo,
        )  # fmt: skip
        result = drive(backend.start(job, Silent()))
        written.append(result.bars[bar])
        drawn += result.tokens
    return written[_HEARD:], drawn


def measure(part: Part, played: list[tuple[BarNote, ...]], drawn: int) -> dict[str, float]:
    """Notes against the real part's, ids for a note, and shared pitch classes."""
    notes = sum(map(len, played))
    real = sum(map(len, own_bars(part, len(played))))
    found = {"notes": notes / max(1, real), "ids": drawn / max(1, notes)}
    if part.tracks[part.agent].is_drum:
        return found
    shared = [
        len(own & others) / len(own)
        for number, bar in enumerate(played)
        if (own := {n.pitch % 12 for n in bar})
        and (
            others := {
                n.pitch % 12
                for t in part.tracks
                if t.id != part.agent and not t.is_drum
                for n in t.bars[_HEARD + number]
            }
        )
    ]
    return found | ({"shared": float(np.mean(shared))} if shared else {})


def row(name: str, results: list[dict[str, float]]) -> None:
    """A line of the table: medians over the parts, and the share whose notes are within a factor
    of two."""

    def known(key: str) -> list[float]:
        return [result[key] for result in results if key in result]

    within = np.mean([0.5 <= share <= 2 for share in known("notes")])
    print(
        f"| {name} | {np.median(known('notes')):.2f} | {100 * within:.0f} % | "
        f"{np.median(known('ids')):.1f} | {np.mean(known('shared')):.2f} |"
    )


if __name__ == "__main__":
    main()
