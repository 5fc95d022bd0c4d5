"""How much the tracks to be generated depend on each context track, by musical role.

The estimate used where a prompt is too long to ask the model's own attention. Roles and weights are
those of MIDI-GPT 0.4.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from midigpt.general_midi import FAMILY_SIZE
from midigpt.score import Score, Track

_KIT = frozenset(range(35, 41))
_CYMBALS = frozenset({42, 44, 46, 49, 51, 52, 53, 55, 57, 59})

_ROLES = ("bass", "harmony", "lead", "kit", "hats", "perc", "other")
#: Weight of a context role for a target, in the order of ``_ROLES``.
_WEIGHTS = {
    "melodic": (0.9, 0.8, 0.6, 0.6, 0.35, 0.35, 0.3),
    "bass": (0.6, 0.8, 0.5, 0.95, 0.5, 0.5, 0.3),
    "drums": (0.8, 0.4, 0.3, 0.9, 0.7, 0.6, 0.3),
}
_SAME_FAMILY = 0.1


def relevance(score: Score, targets: Iterable[int], track: int) -> float:
    """Weight of a context track for the most dependent of the target tracks."""
    context = score.tracks[track]
    column = _ROLES.index(role(context, score.resolution))
    return max(
        _WEIGHTS[_kind(score.tracks[target], score.resolution)][column]
        + _SAME_FAMILY * (_family(score.tracks[target]) == _family(context))
        for target in targets
    )


def role(track: Track, resolution: int) -> str:
    """One of bass, harmony, lead, kit, hats, perc, other."""
    pitches = [note.pitch for bar in track.bars for note in bar.notes]
    if not pitches:
        return "other"
    if track.track_type == "drum":
        kit = sum(pitch in _KIT for pitch in pitches) / len(pitches)
        cymbals = sum(pitch in _CYMBALS for pitch in pitches) / len(pitches)
        if kit >= cymbals and kit > 0.25:
            return "kit"
        return "hats" if cymbals > 0.5 else "perc"
    sixteenth = max(1, resolution // 4)
    chords = Counter(
        (number, round(note.onset_ticks / sixteenth))
        for number, bar in enumerate(track.bars)
        for note in bar.notes
    )
    chord_size = len(pitches) / len(chords)
    if sum(pitches) / len(pitches) < 50 and chord_size < 1.3:
        return "bass"
    return "harmony" if chord_size >= 1.8 else "lead"


def _kind(track: Track, resolution: int) -> str:
    if track.track_type == "drum":
        return "drums"
    return "bass" if role(track, resolution) == "bass" else "melodic"


def _family(track: Track) -> int:
    """General MIDI family; all drums are one."""
    return -1 if track.track_type == "drum" else track.instrument // FAMILY_SIZE
