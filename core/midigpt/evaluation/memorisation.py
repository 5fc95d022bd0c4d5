"""Memorisation: how long a run of notes is taken word for word from the training set.

A track is a sequence of steps from one note to the next, (interval in semitones, ticks between the
onsets), so a run that was transposed counts as the same. Drums are steps from piece to piece of the
kit. Notes of a chord go from the lowest to the highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from midigpt.score import Bar
from midigpt.training.corpus import Piece

Codes = npt.NDArray[np.uint64]

_LONGEST = 128  # notes; longer runs count as this
_END = np.uint64(2**63)  # stands between tracks, so that no run goes from one to the next
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def memorisation(
    generated: Sequence[Sequence[Bar]],
    real: Sequence[Sequence[Bar]],
    training: Sequence[Piece],
    resolution: int,
) -> dict[str, Any]:
    """Longest verbatim runs, in notes: of generated bars, and of held-out real bars.

    Args:
        generated, real: passages of one track, on the grid of ``training``.
        training: the pieces that the model was trained on.
        resolution: ticks per quarter note.

    Returns:
        For "generated" and "real": "mean" and "max" of the passages' longest runs; and "ratio" of
        the means.
    """
    known = np.concatenate([np.zeros(0, np.uint64), *_training_steps(training, resolution)])
    found: dict[str, Any] = {}
    for name, passages in (("generated", generated), ("real", real)):
        runs = longest_runs([_steps(*_notes(bars, resolution)) for bars in passages], known)
        found[name] = {"mean": float(runs.mean()), "max": int(runs.max()), "passages": len(runs)}
    found["ratio"] = found["generated"]["mean"] / found["real"]["mean"]
    return found


def longest_runs(passages: Sequence[Codes], known: Codes) -> npt.NDArray[np.int64]:
    """For each passage of steps, the notes of its longest run that occurs in ``known``."""
    runs = np.ones(len(passages), np.int64)
    hashes, own = known.copy(), [passage.copy() for passage in passages]
    for length in range(1, _LONGEST):  # steps: one less than notes
        if length > 1:  # hash of one step more, from the hash of the run and the step after it
            hashes = _longer(hashes, known, length)
            own = [_longer(h, p, length) for h, p in zip(own, passages, strict=True)]
        alive = [i for i, run in enumerate(runs) if run == length and len(own[i])]
        if not alive or not len(hashes):
            break
        wanted = np.unique(np.concatenate([own[i] for i in alive]))
        place = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
        hit = np.unique(hashes[wanted[place] == hashes])
        for i in alive:
            if np.isin(own[i], hit).any():
                runs[i] = length + 1
    return runs


def _longer(hashes: Codes, steps: Codes, length: int) -> Codes:
    longer: Codes = hashes[: len(steps) - length + 1] * _FACTOR + steps[length - 1 :]
    return longer


def _training_steps(pieces: Iterable[Piece], resolution: int) -> Iterator[Codes]:
    for piece in pieces:
        quarters = piece.signatures[:, 0] * 4.0 / piece.signatures[:, 1]
        starts = np.concatenate([[0], np.cumsum(np.rint(quarters * resolution))])
        for track in piece.tracks:
            bars, onsets, _, pitches, _ = track.notes.T.astype(np.int64)
            yield np.append(_steps(starts[bars].astype(np.int64) + onsets, pitches), _END)


def _notes(
    bars: Sequence[Bar], resolution: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    start, rows = 0, []
    for bar in bars:
        rows += [(start + note.onset_ticks, note.pitch) for note in bar.notes]
        start += round(bar.beat_length * resolution)
    onsets, pitches = np.array(rows, np.int64).reshape(-1, 2).T
    return onsets, pitches


def _steps(onsets: npt.NDArray[np.int64], pitches: npt.NDArray[np.int64]) -> Codes:
    """One number for each step from note to note."""
    order = np.lexsort((pitches, onsets))
    times, intervals = np.diff(onsets[order]), np.diff(pitches[order])
    return (np.minimum(times, 1 << 20) * 512 + intervals + 256).astype(np.uint64)
