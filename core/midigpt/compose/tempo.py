"""Holding pieces to a tempo: written at one that the model knows well, then played as fast as said.

For models that have heard little music of other tempos.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from midigpt import events

#: Tempos in BPM that are held; what a text calls slower or faster is left to the model.
_SLOWEST, _FASTEST = 20, 400
#: Tempos that differ from the known one by no more than this factor are written as they are.
_NEAR = 1.12
_TEMPO = re.compile(r"\b(\d+(?:\.\d+)?)(\s?BPM)\b", re.IGNORECASE)


def checked_tempo(tempo: float) -> float:
    """A tempo to hold, or 0 for none.

    Raises:
        ValueError: it is out of range.
    """
    if tempo and not _SLOWEST <= tempo <= _FASTEST:
        raise ValueError(f"hold_tempo is {tempo}; {_SLOWEST}..{_FASTEST}, or 0, is wanted")
    return tempo


def known_tempo(folder: Path) -> float:
    """The tempo in BPM that a model says it knows, ``hold_tempo`` of its generation_config.json.

    Returns:
        0 if it says none.

    Raises:
        ValueError: the file is damaged, or the tempo out of range.
    """
    file = folder / "generation_config.json"
    if not file.is_file():
        return 0.0
    try:
        return checked_tempo(float(json.loads(file.read_text("utf-8")).get("hold_tempo", 0)))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is damaged: {error}") from None


def at_known_tempo(text: str, known: float) -> tuple[str, float]:
    """A description for the model, and how many times as long its piece is to last.

    Args:
        text: a description; the last tempo that it names, as in "90 BPM", counts.
        known: in BPM, see :func:`known_tempo`; 0 leaves the text alone.

    Returns:
        The text with the known tempo in place of one far from it, and the known tempo over that
        one; without such a tempo the text as it is, and 1.
    """
    found = _TEMPO.findall(text)
    named = float(found[-1][0]) if found else 0.0
    if not known or not _SLOWEST <= named <= _FASTEST:
        return text, 1.0
    if max(named / known, known / named) <= _NEAR:
        return text, 1.0
    return _TEMPO.sub(rf"{known:g}\2", text), known / named


def stretched(ids: Sequence[int], times_as_long: float) -> list[int]:
    """Event ids with their times and durations stretched, as far as there are ids.

    A piece ends with the range of times; durations are cut to the longest.
    """
    result: list[int] = []
    for place, token in enumerate(ids):
        if token < events.TIMES:
            token = round(token * times_as_long)
            if token >= events.TIMES - 1:
                return result[: place // events.IDS_PER_EVENT * events.IDS_PER_EVENT]
        elif token < events.DURATION_OFFSET + events.DURATIONS:
            ticks = round((token - events.DURATION_OFFSET) * times_as_long)
            token = events.DURATION_OFFSET + min(ticks, events.DURATIONS - 1)
        result.append(token)
    return result
