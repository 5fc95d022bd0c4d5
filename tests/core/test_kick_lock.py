"""A bass that follows the kick drum."""

from __future__ import annotations

import pytest

from midigpt import Bar, Note, Score, Track
from midigpt.inference import GenerationRequest, InferenceConfig, TrackPrompt
from midigpt.inference.kick_lock import kicks_to_follow, onset_weight

TICK = 40  # of 480 a quarter note, in the score: one of the models' grid, 12 a quarter note
KICKS = {2: (0, 9, 30), 3: (6, 21)}  # by bar, on that grid; no other bar has any
BASS, DRUMS = 0, 1


def band(future: int | None = None, instrument: int = 33) -> Score:
    def drums(bar: int) -> list[Note]:
        kicks = [Note(36, 100, onset * TICK, TICK) for onset in KICKS.get(bar, ())]
        return [*kicks, *(Note(42, 60, beat * 480, TICK) for beat in range(4))]

    bass = [Bar([Note(64, 80, 480, 480), Note(71, 80, 960, 480)]) for _ in range(4)]
    bars = [Bar(drums(bar), future=bar == future) for bar in range(4)]
    return Score([Track(bass, instrument, "melodic"), Track(bars, 0, "drum")])


@pytest.mark.parametrize(
    ("score", "cells", "bar"),
    [
        (band(), {(BASS, 3)}, 3),
        (band(future=3), {(BASS, 3)}, 2),  # not known: the last one that is
        (band(), {(BASS, 1)}, None),  # not what comes later
        (band(), {(BASS, 2), (BASS, 3)}, None),  # two bars at once
        (band(instrument=0), {(BASS, 3)}, None),  # a piano
        (band(), {(DRUMS, 3)}, None),
    ],
)
def test_the_kicks_that_a_bass_follows(
    score: Score, cells: set[tuple[int, int]], bar: int | None
) -> None:
    wanted = frozenset() if bar is None else frozenset(tick * TICK for tick in KICKS[bar])
    assert kicks_to_follow(score, cells) == wanted


def test_an_onset_on_a_kick_is_likelier_and_the_bar_line_never_less_likely() -> None:
    kicks = frozenset({6, 21})
    assert onset_weight(6, kicks, 1.0) > onset_weight(6, kicks, 0.5) > 1
    assert onset_weight(7, kicks, 1.0) < onset_weight(7, kicks, 0.5) < 1
    assert onset_weight(0, kicks, 1.0) == 1


@pytest.mark.parametrize(("hidden", "bar"), [(False, 3), (True, 2)])
def test_a_bass_begins_its_notes_with_the_kick(tiny_engine, hidden: bool, bar: int) -> None:
    def share(follow_kick: float) -> float:
        """Of the onsets of 20 bars, on kicks or the bar line."""
        onsets = []
        for seed in range(20):
            config = InferenceConfig(seed=seed, mask_mode="attention", follow_kick=follow_kick)
            prompts = [
                TrackPrompt(BASS, [3], autoregressive=True),
                TrackPrompt(DRUMS, [], mask_bars=[3] if hidden else []),
            ]
            session = tiny_engine("yellow").session(band(), GenerationRequest(prompts, config))
            written = session.run().resample(12)
            onsets += [note.onset_ticks for note in written.tracks[BASS].bars[3].notes]
        return sum(onset in {0, *KICKS[bar]} for onset in onsets) / len(onsets)

    assert share(1.0) > 0.9 > 0.6 > share(0.0)
