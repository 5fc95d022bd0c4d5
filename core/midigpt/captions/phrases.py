"""Facts about a piece as a sentence, in one of many phrasings drawn at random."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from midigpt.captions.features import Features

#: Upper limits in beats a minute, and words for a tempo below them.
_TEMPO_WORDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (60, ("very slow", "largo")),
    (84, ("slow", "relaxed", "adagio")),
    (108, ("moderate", "medium", "andante", "walking")),
    (132, ("medium-fast", "lively", "allegretto")),
    (168, ("fast", "quick", "allegro")),
    (float("inf"), ("very fast", "presto", "breakneck")),
)
#: Upper limits in notes a second, and words for a density below them.
_DENSITY_WORDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (3, ("sparse", "spacious", "thin")),
    (8, ("light", "open", "moderately dense")),
    (16, ("full", "busy", "rich")),
    (float("inf"), ("dense", "very busy", "thick")),
)
#: Moods by mode, and by tempo: slow, moderate, fast.
_MOODS = {
    "major": (
        ("peaceful", "gentle", "warm", "tender", "dreamy"),
        ("bright", "friendly", "hopeful", "pleasant"),
        ("cheerful", "joyful", "upbeat", "happy", "energetic"),
    ),
    "minor": (
        ("sad", "melancholic", "sombre", "mournful"),
        ("dark", "moody", "serious", "wistful"),
        ("intense", "dramatic", "tense", "driving"),
    ),
}
_SLOW, _FAST = 84, 120
_PIECES = ("piece", "song", "track", "composition", "tune", "instrumental")
_WITH = ("with", "featuring", "played by", "for", "on", "performed by")
#: Instruments that a description names at the most.
MOST_NAMED = 6


def caption(features: Features, rng: random.Random, share: float = 1.0) -> str:
    """Say what is known of a piece.

    Args:
        features: the facts.
        rng: draws the words, the order and what is left out.
        share: of the facts besides the instruments that are mentioned, on average, 0..1.

    Returns:
        One or several sentences; the tempo in words, in beats a minute, or both.
    """
    mention = [
        clause(features, rng) for clause in (_key, _meter, _tempo, _density) if rng.random() < share
    ]
    clauses = [text for text in mention if text]
    rng.shuffle(clauses)
    opening = _opening(features, rng, share)
    if rng.random() < 0.4:
        return f"{', '.join([opening, *clauses])}."
    cut = rng.randint(0, len(clauses))
    first = ", ".join([opening, *clauses[:cut]])
    rest = [f"{_sentence(text, rng)}." for text in clauses[cut:]]
    return " ".join([f"{first}.", *rest])


def tempo_words(tempo: float) -> tuple[str, ...]:
    """Words for a tempo in beats a minute."""
    return next(words for limit, words in _TEMPO_WORDS if tempo < limit)


def density_words(density: float) -> tuple[str, ...]:
    """Words for a density in notes a second."""
    return next(words for limit, words in _DENSITY_WORDS if density < limit)


def density_level(text: str) -> int | None:
    """Which density a description names: 0 sparse, 1 light, 2 full, 3 dense; None if none.

    The word that comes last counts; of words that begin alike the longest.
    """
    found = [
        (match.end(), match.end() - match.start(), level)
        for level, (_, words) in enumerate(_DENSITY_WORDS)
        for word in words
        for match in re.finditer(rf"\b{re.escape(word)}\b", text.lower())
    ]
    return max(found)[2] if found else None


def moods(features: Features) -> tuple[str, ...]:
    """Words for the mood that mode and tempo suggest; none if either is unknown."""
    if features.key is None or features.tempo is None:
        return ()
    speed = 0 if features.tempo < _SLOW else 1 if features.tempo < _FAST else 2
    return _MOODS[features.key.split()[1]][speed]


def _opening(features: Features, rng: random.Random, share: float) -> str:
    words = []
    if moods(features) and rng.random() < share:
        words.append(rng.choice(moods(features)))
    if features.genre and rng.random() < share:
        words.append(features.genre)
    noun = rng.choice(_PIECES)
    phrase = " ".join([*words, noun])
    text = rng.choice((_with_article(phrase), _with_article(phrase), phrase))
    text = text[0].upper() + text[1:]
    if features.instruments:
        text += f" {rng.choice(_WITH)} {_listed(features.instruments[:MOST_NAMED], rng)}"
    return text


def _listed(names: Sequence[str], rng: random.Random) -> str:
    """Names in a row, not always in the same order."""
    order = list(names)
    if rng.random() < 0.5:
        rng.shuffle(order)
    if len(order) == 1:
        return rng.choice(("solo {}", "{} alone", "{}")).format(order[0])
    return f"{', '.join(order[:-1])} and {order[-1]}"


def _key(features: Features, rng: random.Random) -> str:
    if features.key is None:
        return ""
    return rng.choice(("in {}", "in the key of {}", "set in {}", "in {}")).format(features.key)


def _meter(features: Features, rng: random.Random) -> str:
    if features.meter is None:
        return ""
    text = f"{features.meter[0]}/{features.meter[1]}"
    return rng.choice(("in {} time", "with a {} time signature", "in {}")).format(text)


def _tempo(features: Features, rng: random.Random) -> str:
    if features.tempo is None:
        return ""
    word, number = rng.choice(tempo_words(features.tempo)), round(features.tempo)
    return rng.choice(
        (
            f"at {number} BPM",
            f"at {number} BPM",
            f"with a tempo of {number} BPM",
            f"at {_with_article(word)} tempo of {number} BPM",
            f"at {_with_article(word)} {number} BPM",
            f"at {_with_article(word)} tempo",
        )
    )


def _density(features: Features, rng: random.Random) -> str:
    if features.density is None:
        return ""
    word = rng.choice(density_words(features.density))
    return f"with {_with_article(word)} {rng.choice(('texture', 'arrangement'))}"


def _sentence(clause: str, rng: random.Random) -> str:
    """A clause that follows a noun, as a sentence of its own."""
    if clause.startswith("with "):
        return f"{rng.choice(('It has', 'The music has', 'This has'))} {clause[5:]}"
    return f"{rng.choice(('It is', 'The music is', 'This is'))} {clause}"


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
