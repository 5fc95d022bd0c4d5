"""``python -m bench.usual_density``: how many notes do the parts of a training set have?

Prints the table of ``midigpt_server.generation.usual_density``, which Llama agents are held to:
medians of notes in four quarters, of each family of General MIDI and of drums. Tracks of one
instrument are one part, as they are to the model; a part counts from its first bar to its last, its
rests included.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tqdm import tqdm

from bench.density import sound
from midigpt import events
from midigpt.general_midi import FAMILY_SIZE
from midigpt.score import Score
from midigpt.training.text.sources import parse
from midigpt_server.generation.usual_density import usual_density

_FEWEST = 16


def main() -> None:
    """Parse the command line, count, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.usual_density", description=__doc__)
    parser.add_argument("--music", type=Path, required=True, help="Parquet file of training music")
    options = parser.parse_args()
    found: dict[int, list[float]] = {}
    for instrument, notes in parts(options.music):
        family = instrument // FAMILY_SIZE * FAMILY_SIZE
        found.setdefault(family, []).append(notes)
    print("| programs | parts | notes in four quarters | in use |\n|---|--:|--:|--:|")
    for first, notes_of in sorted(found.items()):
        name = "drums" if first == events.DRUMS else f"{first}-{first + FAMILY_SIZE - 1}"
        used = 4 * usual_density(first)
        print(f"| {name} | {len(notes_of)} | {median(notes_of):.1f} | {used:.1f} |")


def parts(music: Path) -> Iterator[tuple[int, float]]:
    """Instrument and notes in four quarters of all parts with some notes, in pieces to train on."""
    import pyarrow.parquet as pq

    for data in tqdm(pq.read_table(music, columns=["midi"])["midi"].to_pylist(), leave=False):
        if parse(data) is None:
            continue
        counts: dict[int, list[int]] = {}
        score = Score.from_bytes(data)
        for track in score.tracks:
            bars = counts.setdefault(sound(track), [0] * len(track.bars))
            bars[:] = [count + len(bar.notes) for count, bar in zip(bars, track.bars, strict=True)]
        quarters = [bar.beat_length for bar in score.tracks[0].bars]
        for instrument, bars in counts.items():
            if sum(bars) >= _FEWEST:
                played = [number for number, count in enumerate(bars) if count]
                span = sum(quarters[played[0] : played[-1] + 1])
                yield instrument, 4 * sum(bars) / span


if __name__ == "__main__":
    main()
