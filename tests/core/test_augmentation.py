"""Augmentations: what they change, what they leave, and that a seed repeats them."""

import random
from collections import Counter

import pytest

from midigpt import Bar, Note, Score, Track
from midigpt.augmentation import (
    AugmentationPipeline,
    BarWindow,
    InstrumentSwap,
    MaskBar,
    MaskBarConfig,
    MaskMode,
    TrackPermutation,
    Transpose,
    VelocityScale,
    select_window,
)


def song(bars: int = 8, tracks: int = 3) -> Score:
    """Track 1 is the drums; bar b has one note of velocity 10 + b."""
    return Score(
        [
            Track(
                [Bar([Note(60, 10 + b, 0, 240)]) for b in range(bars)],
                instrument=t,
                track_type="drum" if t == 1 else "melodic",
            )
            for t in range(tracks)
        ]
    )


def pitches(score: Score) -> list[int]:
    return [track.bars[0].notes[0].pitch for track in score.tracks]


def hidden(score: Score) -> set[tuple[int, int]]:
    return {
        (t, b) for t, k in enumerate(score.tracks) for b, bar in enumerate(k.bars) if bar.future
    }


def test_transpose_shifts_melodic_tracks_together():
    assert pitches(Transpose(5)(song())) == [65, 60, 65]
    assert pitches(Transpose(100)(song())) == [127, 60, 127]
    shifts = {tuple(pitches(Transpose(range(-1, 2), random.Random(s))(song()))) for s in range(30)}
    assert shifts == {(59, 60, 59), (60, 60, 60), (61, 60, 61)}


def test_velocity_scale_stays_audible():
    assert VelocityScale(1.25)(song()).tracks[0].bars[3].notes[0].velocity == 16  # 13 * 1.25
    assert VelocityScale(0.0)(song()).tracks[0].bars[3].notes[0].velocity == 1
    assert VelocityScale(100.0)(song()).tracks[0].bars[3].notes[0].velocity == 127


def test_instrument_swap_draws_from_the_list():
    swap = InstrumentSwap({0: [40, 41], 2: []}, random.Random(0))
    found = Counter(tuple(t.instrument for t in swap(song()).tracks) for _ in range(50))
    assert set(found) == {(40, 1, 2), (41, 1, 2)}


def test_track_permutation_keeps_every_track():
    orders = set()
    for seed in range(60):
        score = TrackPermutation(random.Random(seed))(song())
        orders.add(tuple(t.instrument for t in score.tracks))
    assert len(orders) == 6


def test_pipeline_works_on_a_copy_and_repeats_with_a_seed():
    score = song()
    results = [AugmentationPipeline.default_training(random.Random(s))(score) for s in (7, 7, 8)]
    assert score == song()
    assert results[0] == results[1] != results[2]
    random.seed(3)
    first = AugmentationPipeline.default_training()(score)
    random.seed(3)
    assert AugmentationPipeline.default_training()(score) == first


def mask(mode: MaskMode, seed: int, score: Score, **kwargs) -> set[tuple[int, int]]:
    config = MaskBarConfig(apply_probability=1.0, mode=mode)
    return hidden(MaskBar(config, rng=random.Random(seed), **kwargs)(score))


def test_random_mask_hides_up_to_a_quarter_of_the_bars():
    counts = {len(mask(MaskMode.RANDOM, seed, song(8, 2))) for seed in range(100)}
    assert counts == {1, 2, 3, 4}


def test_structured_mask_hides_the_next_bars_of_some_tracks():
    found = {tuple(sorted(mask(MaskMode.STRUCTURED, s, song(4, 1)))) for s in range(300)}
    runs = [(1,), (2,), (3,), (1, 2), (2, 3), (1, 2, 3)]
    assert found == {(), *(tuple((0, b) for b in run) for run in runs)}
    assert mask(MaskMode.STRUCTURED, 1, song(1)) == set()


@pytest.mark.parametrize("mode", MaskMode)
def test_bars_to_fill_in_are_never_hidden(mode):
    targets = {(0, b) for b in range(8)} | {(1, b) for b in range(1, 8)}
    for seed in range(50):
        assert not mask(mode, seed, song(), infill_bars=targets) & targets


def test_mask_is_applied_with_its_probability():
    never = MaskBar(MaskBarConfig(apply_probability=0.0))
    assert not any(hidden(never(song())) for _ in range(50))


def test_select_window_needs_enough_filled_bars():
    score = song(8, 3)
    for bar in score.tracks[2].bars:
        bar.notes = []
    for bar in score.tracks[0].bars[4:]:
        bar.notes = []
    found = Counter()
    for seed in range(200):
        window = select_window(score, 4, 2, rng=random.Random(seed))
        assert {t.instrument for t in window.tracks} == {0, 1}
        found[window.tracks[0].bars[0].notes[0].velocity - 10] += 1
    assert set(found) == {0, 1}  # 4 or 3 of 4 bars of track 0 have notes
    assert select_window(score, 4, 3) is None
    assert select_window(score, 9, 1) is None


def test_select_window_copies_and_drops_attributes_of_bars():
    score = song()
    score.tracks[0].attributes = {"_nomml_raw": 4, "bar_Tension_3": 1}
    window = select_window(score, 4, 3, rng=random.Random(0))
    window.tracks[0].bars[0].notes.clear()
    assert all(bar.notes for track in score.tracks for bar in track.bars)
    assert {"_nomml_raw": 4} in [t.attributes for t in window.tracks]


def test_bar_window_cuts_all_tracks_alike():
    starts = set()
    for seed in range(60):
        score = BarWindow(6, random.Random(seed))(song())
        velocities = [[bar.notes[0].velocity for bar in t.bars] for t in score.tracks]
        assert velocities[0] == velocities[1] == velocities[2]
        assert len(velocities[0]) == 6
        starts.add(velocities[0][0] - 10)
    assert starts == {0, 1, 2}
    assert BarWindow(20)(song()) == song()


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Transpose(range(0)), "semitones"),
        (lambda: VelocityScale((1.0, 0.5)), "factor"),
        (lambda: BarWindow(0), "num_bars"),
        (lambda: MaskBarConfig(apply_probability=1.5), "apply_probability"),
        (lambda: MaskBarConfig(bar_fraction=-1), "bar_fraction"),
        (lambda: MaskBarConfig(max_lookahead=0), "max_lookahead"),
    ],
)
def test_wrong_parameters_are_named(make, argument):
    with pytest.raises(ValueError, match=rf"^{argument} is "):
        make()
