"""Puts what a step generated back into the piece, and the piece back among the other tracks."""

from __future__ import annotations

from dataclasses import replace

from midigpt.inference.ensemble import Ensemble
from midigpt.inference.planner import PlannedStep
from midigpt.inference.prompt import shift_bar_keys
from midigpt.score import Score, Track
from midigpt.tokenizer.tokenizer import Tokenizer


def merge(
    piece: Score, step: PlannedStep, window: Score, tokenizer: Tokenizer, parity: bool
) -> Score:
    """The piece with the bars of a window replaced, at ``decode_resolution``.

    Context bars come from the window too, so they are as the encoder understood them: on its grid
    and with binned velocities (quirk Q27).

    Args:
        piece: before the step; left as it is.
        step: with bars counted in the piece.
        window: the result of the step, on the model grid.
        tokenizer: of the checkpoint.
        parity: number bar attributes from the start of the window (defect tag D21).
    """
    whole = requantise(piece, tokenizer)
    part = tokenizer.normalize_output(window)
    tracks = []
    for old, new in zip(whole.tracks, part.tracks, strict=True):
        inside = old.bars[step.start_bar : step.end_bar]
        bars = [
            *old.bars[: step.start_bar],
            *(replace(bar, future=was.future) for bar, was in zip(new.bars, inside, strict=True)),
            *old.bars[step.end_bar :],
        ]
        attributes = new.attributes if parity else _numbered_in_piece(old, new, step)
        tracks.append(Track(bars, new.instrument, new.track_type, attributes))
    return Score(tracks, whole.resolution, whole.tempo)


def requantise(score: Score, tokenizer: Tokenizer) -> Score:
    """The score at ``decode_resolution``, floored to the model grid; itself if it is there."""
    if score.resolution == tokenizer.config.decode_resolution:
        return score
    return tokenizer.normalize_output(tokenizer.normalize_input(score))


def reunite(piece: Score, ensemble: Ensemble, original: Score, tokenizer: Tokenizer) -> Score:
    """The caller's score with the ensemble's tracks replaced, all at the piece's resolution."""
    everyone = original
    if original.resolution != piece.resolution:
        everyone = requantise(original, tokenizer)
    tracks = list(everyone.tracks)
    for number, track in zip(ensemble.numbers, piece.tracks, strict=True):
        tracks[number] = track
    # nothing is shared with the caller; copy.deepcopy takes ten times as long and holds the GIL
    own = [
        replace(
            track,
            bars=[replace(bar, notes=[replace(note) for note in bar.notes]) for bar in track.bars],
            attributes=dict(track.attributes),
        )
        for track in tracks
    ]
    return Score(own, piece.resolution, original.tempo)


def _numbered_in_piece(old: Track, new: Track, step: PlannedStep) -> dict[str, int]:
    """Levels read back from a window, and those of bars outside it."""
    inside = {str(bar) for bar in range(step.start_bar, step.end_bar)}
    outside = {
        key: level
        for key, level in old.attributes.items()
        if key.startswith("bar_") and key.rpartition("_")[2] not in inside
    }
    return outside | shift_bar_keys(new.attributes, step.start_bar)
