"""From pieces to sequences of model ids: a prompt, a mode token, a window of events."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midigpt import events
from midigpt.captions import caption, measure
from midigpt.compose.prompt import Prompter
from midigpt.training.text.anticipation import MIXTURE, Mixture, anticipate
from midigpt.training.text.sources import Piece

#: Positions that no loss is taken of, as in torch.nn.functional.cross_entropy.
IGNORED = -100

_LONGEST_CAPTION = 256
_SEMITONES = (-5, 6)
_STRETCH = (0.8, 1.25)
_DRUM_NOTES = 128 * events.DRUMS
#: Programs that parts may be given to: the usual one of each everyday name.
_BASSES = (32, 33, 38, 43)
# fmt: off
_MELODIC = (
    0, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 21, 22, 24, 27, 30, 40, 41, 42, 46, 48, 52, 56,
    57, 58, 60, 61, 65, 68, 69, 70, 71, 73, 74, 75, 78, 80, 89, 104, 105, 106, 107, 108, 109, 110,
)
# fmt: on


@dataclass(frozen=True)
class Recipe:
    """How examples are made.

    Args:
        length: of a sequence, prompt included.
        mixture: of the anticipation augmentation.
        from_start: share of windows that begin where the piece does.
        vary: transpose by -5..6 semitones (drums excepted) and play 0.8 to 1.25 times as fast;
            descriptions made by rule follow.
        mention: share of the facts that a description by rule mentions, on average.
        recast: share of windows of which some parts are given to other instruments, so that a
            small model has to read the names of instruments.
    """

    length: int = 2048
    mixture: Mixture = MIXTURE
    from_start: float = 0.5
    vary: bool = False
    mention: float = 0.8
    recast: float = 0.0


@dataclass(frozen=True)
class Example:
    """Model ids, and of how many leading ones no loss is taken."""

    ids: NDArray[np.int32]
    prompt: int


def make_example(
    piece: Piece, prompter: Prompter, recipe: Recipe, seed: Sequence[int]
) -> Example | None:
    """One example of a piece; None if the window drawn has too little music."""
    rng = np.random.default_rng(seed)
    notes, tempo = _varied(piece, rng) if recipe.vary else (piece.notes, piece.tempo)
    notes = _window(notes, rng, recipe)
    if len(notes) < 16:
        return None
    if recipe.recast and rng.random() < recipe.recast:
        notes = _recast(notes, rng)
    words = random.Random(int(rng.integers(2**32)))
    if piece.captions:
        text = words.choice(piece.captions)
    else:
        said = measure(notes, tempo, piece.meter, piece.genre)
        text = caption(said, words, recipe.mention)
    prompt = prompter.encode(text)[:-1]
    if len(prompt) > _LONGEST_CAPTION:
        prompt = prompt[:_LONGEST_CAPTION]
    ids, has_controls = anticipate(notes, rng, recipe.mixture)
    mode = events.ANTICIPATE if has_controls else events.AUTOREGRESS
    room = (recipe.length - len(prompt) - 1) // 3 * 3
    music = np.concatenate([[mode], ids[:room]]) + prompter.first_event
    return Example(np.concatenate([prompt, music]).astype(np.int32), len(prompt) + 1)


def collate(examples: Sequence[Example], first_event: int) -> dict[str, Any]:
    """A batch for ``LlamaForCausalLM``: padded ids, mask, and labels of events alone.

    Neither prompt nor controls nor padding are learnt: a writer is given them.
    """
    import torch

    longest = max(len(example.ids) for example in examples)
    ids = np.zeros((len(examples), longest), dtype=np.int64)
    mask = np.zeros((len(examples), longest), dtype=np.int64)
    labels = np.full((len(examples), longest), IGNORED, dtype=np.int64)
    for row, example in enumerate(examples):
        length = len(example.ids)
        ids[row, :length], mask[row, :length] = example.ids, 1
        labels[row, example.prompt : length] = example.ids[example.prompt :]
    labels[labels >= first_event + events.CONTROL_OFFSET] = IGNORED
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.from_numpy(labels),
    }


def descriptions(pieces: Sequence[Piece], count: int, seed: int) -> Iterator[str]:
    """Descriptions of random windows, to make a text vocabulary of."""
    words = random.Random(seed)
    for number in range(count):
        piece = pieces[words.randrange(len(pieces))]
        if piece.captions:
            yield words.choice(piece.captions)
        else:
            rng = np.random.default_rng([seed, number])
            notes, tempo = _varied(piece, rng)
            yield caption(measure(notes[:500], tempo, piece.meter, piece.genre), words, 0.9)


def _varied(piece: Piece, rng: np.random.Generator) -> tuple[events.Events, float | None]:
    """Another key and speed; the tempo in BPM that goes with it."""
    notes = piece.notes.copy()
    pitched = notes[:, 2] < _DRUM_NOTES
    pitches = notes[pitched, 2] % 128
    low, high = _SEMITONES
    if len(pitches):
        low, high = max(low, -int(pitches.min())), min(high, 127 - int(pitches.max()))
    notes[pitched, 2] += int(rng.integers(low, high, endpoint=True)) if low <= high else 0
    speed = float(np.exp(rng.uniform(*np.log(_STRETCH))))
    notes[:, 0] = np.rint(notes[:, 0] / speed)
    notes[:, 1] = np.minimum(np.rint(notes[:, 1] / speed), events.DURATIONS - 1)
    return notes, None if piece.tempo is None else piece.tempo * speed


def _recast(notes: events.Events, rng: np.random.Generator) -> events.Events:
    """Give about half of the melodic parts to other instruments, basses to basses."""
    notes = notes.copy()
    programs = notes[:, 2] // 128
    taken = {int(program) for program in np.unique(programs)}
    for program in sorted(taken - {events.DRUMS}):
        choices = _BASSES if program in _BASSES else _MELODIC
        other = choices[int(rng.integers(len(choices)))]
        if other not in taken and rng.random() < 0.5:
            notes[programs == program, 2] += 128 * (other - program)
            taken.add(other)
    return notes


def _window(notes: events.Events, rng: np.random.Generator, recipe: Recipe) -> events.Events:
    """As many events as can fit, from the start of the piece or from a random onset on."""
    most = recipe.length // 3
    first = 0
    if rng.random() >= recipe.from_start and len(notes) > most:
        first = int(rng.integers(len(notes) - most // 2))
    kept = notes[first : first + most]
    return events.window(kept, int(kept[0, 0]))
