"""Whether music is what its description says: instruments, tempo, key, density."""

from __future__ import annotations

from dataclasses import dataclass

from midigpt import events
from midigpt.captions.features import Features, key_of, measure
from midigpt.captions.phrases import MOST_NAMED, density_words
from midigpt.captions.tempo import estimate_tempo

#: A tempo counts as met when it is off by no more than this share.
TEMPO_TOLERANCE = 0.1


@dataclass(frozen=True)
class Adherence:
    """What is met; None where the description says nothing, or the music has too few notes.

    ``instruments``: share of those named that play. ``tempo``: within 10 %; ``tempo_or_double``:
    likewise, or of half or double the tempo, as one pulse may be counted in several ways.
    """

    instruments: float | None
    tempo: bool | None
    tempo_or_double: bool | None
    key: bool | None
    density: bool | None


def adherence(wanted: Features, piece: events.Events) -> Adherence:
    """Compare music with what was asked for."""
    found = measure(piece)
    tempo = estimate_tempo(piece) if wanted.tempo is not None else None
    near = None if tempo is None else [_near(tempo, wanted.tempo, k) for k in (1.0, 0.5, 2.0)]
    return Adherence(
        instruments=_share(wanted.instruments[:MOST_NAMED], found.instruments),
        tempo=None if near is None else near[0],
        tempo_or_double=None if near is None else any(near),
        key=None if wanted.key is None else key_of(piece) == wanted.key,
        density=None
        if wanted.density is None or found.density is None
        else density_words(wanted.density) == density_words(found.density),
    )


def _near(tempo: float, wanted: float | None, factor: float) -> bool:
    assert wanted is not None
    return abs(tempo * factor / wanted - 1) <= TEMPO_TOLERANCE


def _share(wanted: tuple[str, ...], found: tuple[str, ...]) -> float | None:
    return len(set(wanted) & set(found)) / len(set(wanted)) if wanted else None
