"""Tests of the score that a request is about."""

from __future__ import annotations

import logging

from midigpt.encoder_config import EncoderConfig
from midigpt.inference.config import InferenceConfig
from midigpt.score import Bar, Score

_log = logging.getLogger(__name__)


def check_shape(score: Score, config: InferenceConfig) -> None:
    """Test that all tracks have the same number of bars, enough for a window."""
    if not score.tracks:
        raise ValueError("score has no tracks; at least one is wanted")
    counts = [len(track.bars) for track in score.tracks]
    for index, count in enumerate(counts):
        if count == 0:
            raise ValueError(f"score track {index} has no bars; at least one is wanted")
        if count != counts[0]:
            raise ValueError(
                f"score track {index} has {count} bars; {counts[0]} are wanted, as in track 0"
            )
    if counts[0] < config.model_dim:
        raise ValueError(
            f"score has {counts[0]} bars; at least model_dim = {config.model_dim} are wanted"
        )


def check_meters(score: Score, encoder: EncoderConfig) -> None:
    """Test that the encoder knows every time signature, and that tracks agree (defect tag D26)."""
    known = {tuple(signature) for signature in encoder.time_signatures}
    for index, track in enumerate(score.tracks):
        for number, (bar, first) in enumerate(zip(track.bars, score.tracks[0].bars, strict=True)):
            if known and signature_of(bar) not in known:
                raise ValueError(
                    f"score track {index}, bar {number} is in {_text(bar)}; "
                    f"one of {', '.join(f'{n}/{d}' for n, d in sorted(known))} is wanted"
                )
            if signature_of(bar) != signature_of(first):
                raise ValueError(
                    f"score track {index}, bar {number} is in {_text(bar)}; "
                    f"{_text(first)} is wanted, as in track 0"
                )


def warn_of_notes(score: Score) -> None:
    """Log how many notes are out of range; the encoder clamps them."""
    strange = {"pitch": 0, "duration": 0, "onset": 0}
    for index, track in enumerate(score.tracks):
        if not 0 <= track.instrument <= 127:
            _log.warning("score track %d has the program %d, encoded as 0", index, track.instrument)
        for bar in track.bars:
            end = 4 * score.resolution * bar.ts_numerator / bar.ts_denominator
            for note in bar.notes:
                strange["pitch"] += not 0 <= note.pitch <= 127
                strange["duration"] += note.duration_ticks <= 0
                strange["onset"] += note.onset_ticks >= end
    for what, count in strange.items():
        if count:
            _log.warning("%d notes with their %s out of range are clamped", count, what)


def signature_of(bar: Bar) -> tuple[int, int]:
    """Numerator and denominator of a bar's time signature."""
    return bar.ts_numerator, bar.ts_denominator


def _text(bar: Bar) -> str:
    return f"{bar.ts_numerator}/{bar.ts_denominator}"
