"""Levels of all attributes of whole pieces. Unit: levels."""

from __future__ import annotations

from collections.abc import Iterator

from midigpt import Score
from tests.parity.case import Case, Piece
from tests.parity.windows import NAMES, tokenizer


def cases(piece: Piece) -> Iterator[Case]:
    """Track and bar levels at the resolution of the file and on the model grid."""
    score = Score.from_bytes(piece.midi)
    for name in NAMES:
        tok = tokenizer(name)
        for kind, subject in (("native", score), ("grid", tok.normalize_input(score))):
            for t, track in enumerate(subject.tracks):
                analyzer = tok._analyzer
                levels = [analyzer.compute_track_tokens(subject, t)]
                bars = range(len(track.bars))
                levels += [analyzer.compute_bar_tokens(subject, t, b) for b in bars]
                value = [sorted((key, int(level)) for key, level in x.items()) for x in levels]
                size = sum(len(x) for x in levels)
                yield Case(f"attributes, {name}, {kind}", f"{name}, track {t}", value, size)
