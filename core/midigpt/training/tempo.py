"""``python -m midigpt.training.tempo``: the weights of ``midigpt.captions.tempo``.

Of each training piece of steady tempo the first 133 events and 133 from anywhere are looked at,
0.8 to 1.25 times as fast, and less even in time than the file: neither people nor models are exact.
The penalty is that with which most beginnings of the validation pieces are within 10 % of their
tempo; the test pieces tell how good that is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from midigpt import events
from midigpt.captions import tempo
from midigpt.training.text.sources import Piece, from_parquet

_EVENTS = 133
_STRETCH = (0.8, 1.25)
_UNEVEN = 0.08  # at the most: deviation of the time from an onset to the next, as a share of it
_PENALTIES = (3e-5, 1e-4, 3e-4, 1e-3)
_ABOUT = (
    "Weights of midigpt.captions.tempo, made by python -m midigpt.training.tempo: of pulses from "
    "1/8 to 8 times as fast as quarters, of distances and durations from 1/16 to 8 quarters, two "
    "an octave, of log2(tempo / 110) and its square."
)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, fit, write the table, tell how good it is."""
    parser = argparse.ArgumentParser(prog="python -m midigpt.training.tempo", description=__doc__)
    for name in ("train", "valid", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="Parquet file of MIDI")
    parser.add_argument("--pieces", type=int, help="of the training set, at the most")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file")
    options = parser.parse_args(argv)
    train = list(varied(tqdm(from_parquet(options.train, options.pieces), leave=False)))
    valid, test = (list(beginnings(from_parquet(p))) for p in (options.valid, options.test))
    fits = [fit(train, penalty) for penalty in _PENALTIES]
    weights = max(fits, key=lambda weights: accuracy(weights, valid))
    ends = np.cumsum(list(tempo.SHAPE.values()))
    table = dict(zip(tempo.SHAPE, np.split(weights.round(2), ends[:-1]), strict=True))
    lines = [f" {json.dumps(name)}: {row.tolist()}" for name, row in table.items()]
    text = ",\n".join([f' "about": {json.dumps(_ABOUT)}', *lines])
    options.output.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    for name, windows in (("train", train), ("valid", valid), ("test", test)):
        print(f"{name}: {100 * accuracy(weights, windows):.0f} % of {len(windows)} within 10 %")


class Window:
    """What may be chosen for some music, and its true tempo."""

    def __init__(self, tempos: tempo.Floats, features: tempo.Floats, true: float) -> None:
        self.features = features
        off = np.abs(np.log(tempos / true))
        self.right = off <= np.log(1.1)
        self.best = int(off.argmin())


def beginnings(pieces: Iterator[Piece]) -> Iterator[Window]:
    """The beginnings of pieces whose tempo is steady."""
    for piece in pieces:
        yield from windows(piece, 0, 1.0)


def varied(pieces: Iterator[Piece]) -> Iterator[Window]:
    """As :func:`beginnings`, with as many windows from anywhere, at other speeds, uneven."""
    rng = np.random.default_rng(0)
    for piece in pieces:
        for first in (0, int(rng.integers(max(1, len(piece.notes) - _EVENTS)))):
            speed = float(np.exp(rng.uniform(*np.log(_STRETCH))))
            yield from windows(piece, first, speed, uneven(rng))


def uneven(rng: np.random.Generator) -> Callable[[tempo.Floats], tempo.Floats]:
    """Changes times between onsets, one as the other, by up to some percent."""
    deviation = rng.uniform(0, _UNEVEN)
    return lambda times: times * np.exp(rng.normal(0, deviation, len(times)))


def windows(
    piece: Piece,
    first: int,
    speed: float,
    change: Callable[[tempo.Floats], tempo.Floats] = lambda times: times,
) -> Iterator[Window]:
    """The events from one on, played so many times as fast, with the times between them changed."""
    if piece.tempo is None:
        return
    notes = piece.notes[first : first + _EVENTS].copy()
    onsets, at = np.unique(notes[:, 0], return_inverse=True)
    times = np.concatenate([[0.0], np.cumsum(change(np.diff(onsets) / speed))])
    notes[:, 0] = np.rint(times[at])
    notes[:, 1] = np.rint(notes[:, 1] / speed)
    found = tempo.candidates(notes[notes[:, 0] < events.TIMES])
    if found is not None:
        yield Window(*found, piece.tempo * speed)


def fit(windows: Sequence[Window], penalty: float) -> tempo.Floats:
    """Weights of the likeliest model, with a penalty on their squares."""
    windows = [window for window in windows if window.right.any()]
    most = max(len(window.features) for window in windows)
    features = torch.zeros(len(windows), most, sum(tempo.SHAPE.values()), dtype=torch.float64)
    absent = torch.ones(len(windows), most, dtype=torch.bool)
    for number, window in enumerate(windows):
        features[number, : len(window.features)] = torch.from_numpy(window.features)
        absent[number, : len(window.features)] = False
    best = torch.tensor([window.best for window in windows])
    weights = torch.zeros(features.shape[-1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = (features @ weights).masked_fill(absent, -torch.inf)
        total = torch.nn.functional.cross_entropy(scores, best) + penalty * weights.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    found: tempo.Floats = weights.detach().numpy()
    return found


def accuracy(weights: tempo.Floats, windows: Sequence[Window]) -> float:
    """Share of windows whose tempo is told within 10 %."""
    chosen = (w.right[np.argmax(w.features @ weights)] for w in windows)
    return float(np.mean([bool(right) for right in chosen]))


if __name__ == "__main__":
    main()
