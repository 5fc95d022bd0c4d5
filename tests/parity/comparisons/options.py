"""Ids under random options and levels: switches, genre, partial tracks, hidden bars. Unit: ids."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

from midigpt import Score, _core
from midigpt._converters import to_cpp
from tests.parity.case import Case, Piece, outcome
from tests.parity.comparisons.ids import crowded
from tests.parity.windows import Window, options, random_fill, tokenizer, windows


def cases(piece: Piece) -> Iterator[Case]:
    """Ids and hidden spans of each window under options drawn for it."""
    for window in windows(Score.from_bytes(piece.midi), piece.stride):
        tok = tokenizer(window.encoder)
        rng = Random("options " + window.label)
        score = tok.normalize_input(window.score)
        fields = random_options(window, rng)
        for track in score.tracks:
            track.attributes = random_levels(rng, window.bars)
            for bar in track.bars:
                bar.future = rng.random() < 0.1
        can_hide = fields.get("use_span_masks") or fields.get("remove_future_bars")
        if not (can_hide or tok._vocab.has(_core.TokenType.MaskBar)):
            for track in score.tracks:
                for bar in track.bars:
                    bar.future = False  # the oracle shows such bars, we refuse to
        value = outcome(partial(encoded, tok, score, fields))
        yield Case(
            f"ids under options, {window.encoder}",
            f"{window.label}: {fields}",
            value,
            len(value[0]) if isinstance(value, list) else 0,
            partial(crowded, score),
        )


def encoded(tok: Any, score: Score, fields: dict[str, Any]) -> list[Any]:
    """Ids and hidden spans."""
    result = tok._encoder.encode_full(to_cpp(score), options(**fields))
    return [list(result.tokens), [list(span) for span in result.hidden_spans]]


def random_options(window: Window, rng: Random) -> dict[str, Any]:
    """A few fields with values in and out of their ranges."""
    tracks = len(window.score.tracks)
    fields: dict[str, Any] = {}
    if rng.random() < 0.5:
        fields["multi_fill"] = random_fill(window)  # pairs outside the score crash the oracle
    if rng.random() < 0.5:
        fields["partial_encode_track_index"] = rng.randint(-1, tracks)
        fields["partial_encode_track_bars"] = rng.randint(-1, window.bars + 1)
    for name in ("use_velocity", "use_microtiming"):
        fields[name] = rng.randint(-1, 1)
    fields["genre"] = rng.randint(-1, 20)
    fields["use_span_masks"] = rng.random() < 0.4
    fields["remove_future_bars"] = rng.random() < 0.3
    fields["window_bars"] = rng.choice([0, 0, 4, 5, 8, 16])
    return fields


def random_levels(rng: Random, bars: int) -> dict[str, int]:
    """Attribute levels, in and out of their domains, under known and unknown keys."""
    track = ["min_polyphony", "max_polyphony", "min_note_duration", "max_note_duration"]
    track += ["note_density", "onset_polyphony", "pitch_range", "key_signature"]
    track += ["silence_proportion", "nomml", "note_duration_dist", "nonsense"]
    bar = ["Tension", "TensionDrum", "PitchClassSet", "BarLevelPitchClassSet"]
    bar += ["BarLevelOnsetDensity", "BarLevelOnsetPolyphonyMin", "BarLevelOnsetPolyphonyMax"]
    keys = rng.sample(track, 6)
    keys += [f"bar_{rng.choice(bar)}_{rng.randint(0, bars)}" for _ in range(9)]
    return {key: rng.randint(-2, 140) for key in keys}
