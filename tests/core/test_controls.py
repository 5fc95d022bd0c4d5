"""Pitch masks, rhythm masks and remixes: resolved by hand, and heard in what is generated."""

import itertools
import math

import pytest

from midigpt import Bar, Note, Score, Track
from midigpt.inference import GenerationRequest, InferenceConfig, TrackPrompt
from midigpt.inference.config import (
    PITCH_SCALE_PRESETS,
    pitch_shape_weight,
    resolve_pitch_allow_set,
    resolve_rhythm_schedule,
    rhythm_grid_step_ticks,
    rhythm_grid_weight,
    validate_pitch_mask,
    validate_remix,
    validate_rhythm_mask,
)
from midigpt.inference.controls import shared_control
from midigpt.inference.remix import remix_schedules

GRID = 1920 // 12  # ticks of a generated score per tick of the model grid


def test_scales_on_a_root():
    assert resolve_pitch_allow_set({"scale": "major", "root": 2}) == {
        pitch for pitch in range(128) if pitch % 12 in (2, 4, 6, 7, 9, 11, 1)
    }
    sizes = {name: len(PITCH_SCALE_PRESETS[name]) for name in ("chromatic", "dorian", "blues")}
    assert sizes == {"chromatic": 12, "dorian": 7, "blues": 6}


def test_the_first_hard_set_counts():
    assert resolve_pitch_allow_set({"pitches": [60], "scale": "major"}) == {60}
    assert resolve_pitch_allow_set({"pitch_classes": [-1]}) == set(range(11, 128, 12))
    assert resolve_pitch_allow_set({"shape": {"type": "normal"}}) is None
    assert resolve_pitch_allow_set(None) is None


def test_pitch_shapes():
    normal = {"type": "normal", "mean": 60, "std": 12}
    assert pitch_shape_weight(normal, 72) == pytest.approx(math.exp(-0.5))
    assert pitch_shape_weight({"type": "normal"}, 60) == 1
    uniform = {"type": "uniform", "min": 50, "max": 60}
    assert [pitch_shape_weight(uniform, p) for p in (49, 50, 60, 61)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "mask",
    [
        {"pitches": []},
        {"pitches": [128]},
        {"pitches": 60},
        {"scale": "x"},
        {"scale": "major", "root": "C"},
        {"scale": "major", "pitch_classes": [0]},
        {"shape": {}},
        {"shape": {"type": "bell"}},
        {"shape": {"type": "uniform", "min": 61, "max": 60}},
        {"shape": {"type": "normal", "std": 0}},
        {"key": 1},
        [],
    ],
)
def test_malformed_pitch_masks(mask):
    with pytest.raises(ValueError, match="pitch_mask"):
        validate_pitch_mask(mask)


def test_rhythm_schedules_and_grids():
    positions = [{"pos": 12, "polyphony": 2}, {"pos": 0}]
    assert resolve_rhythm_schedule({"positions": positions}) == [(0, 1), (12, 2)]
    steps = {
        unit: rhythm_grid_step_ticks({"unit": unit}, 12)
        for unit in ("whole", "quarter", "sixteenth", "eighth_triplet", "sixteenth_triplet")
    }
    expected = {"whole": 48, "quarter": 12, "sixteenth": 3}
    assert steps == expected | {"eighth_triplet": 2, "sixteenth_triplet": 1}
    grid = {"unit": "quarter", "strength": 0.75}
    assert [rhythm_grid_weight(grid, 12, tick) for tick in (0, 1, 24)] == [1, 0.25, 1]


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"positions": []},
        {"positions": [{"pos": 1}]},
        {"positions": [{"pos": 0}, {"pos": 0}]},
        {"positions": [{"pos": 0, "polyphony": 0}]},
        {"positions": [{"polyphony": 1}]},
        {"positions": [{"pos": 0}], "grid": {"unit": "quarter"}},
        {"grid": {"unit": "x"}},
        {"grid": {"unit": "quarter", "strength": 2}},
        {"grid": None},
        {"swing": 1},
    ],
)
def test_malformed_rhythm_masks(mask):
    with pytest.raises(ValueError, match="rhythm_mask"):
        validate_rhythm_mask(mask)


@pytest.mark.parametrize(
    "remix", [{}, {"amount": 0}, {"amount": 1.1}, {"amount": 0.5, "mode": "x"}, {"amount": True}, 3]
)
def test_malformed_remixes(remix):
    with pytest.raises(ValueError, match="remix"):
        validate_remix(remix)


def test_a_remix_frees_the_share_of_notes_that_it_says():
    bar = Bar([Note(p, 90, 12 * beat, 6) for beat in range(4) for p in (67, 60)])
    for amount, count in ((0.01, 1), (0.25, 4), (1, 16)):
        schedules = remix_schedules([bar, Bar(), bar], {"amount": amount}, seed=1)
        assert schedules[1] == []
        notes = [note for schedule in schedules for _, group in schedule for note in group]
        assert sum(note.pitch is None for note in notes) == count
        assert all(note.duration == 6 for note in notes)
        assert [onset for onset, _ in schedules[0]] == [0, 12, 24, 36]
        for _, group in schedules[0]:
            kept = [(place, note.pitch) for place, note in enumerate(group) if note.pitch]
            assert all(pitch == (60, 67)[place] for place, pitch in kept)
    full = remix_schedules([bar], {"amount": 1, "mode": "full"}, seed=1)
    assert all(note.duration is None for _, group in full[0] for note in group)


def test_tracks_of_a_step_must_agree(caplog):
    one = TrackPrompt(0, [1], controls={"pitch_mask": {"scale": "major"}})
    same = TrackPrompt(1, [1], controls={"pitch_mask": {"scale": "major"}})
    other = TrackPrompt(1, [1])
    assert shared_control("pitch_mask", [one, same]) == {"scale": "major"}
    assert shared_control("pitch_mask", [other]) is None
    assert not caplog.records
    assert shared_control("pitch_mask", [one, other]) is None
    assert "pitch_mask" in caplog.text


def piece(bars=8):
    return Score(
        [
            Track([Bar([Note(60 + k, 90, 480 * k, 480) for k in range(3)]) for _ in range(bars)]),
            Track([Bar([Note(40, 90, 0, 960)]) for _ in range(bars)], instrument=33),
        ]
    )


def generate(engine, score, controls, bars=(2, 3), autoregressive=False, **config):
    settings = {"seed": 5, "novelty_check": False, "bars_per_step": 2, **config}
    request = GenerationRequest(
        [
            TrackPrompt(0, list(bars), autoregressive=autoregressive, controls=controls),
            TrackPrompt(1, []),
        ],
        InferenceConfig(**settings),
    )
    result = engine.session(score, request).run()
    return [result.tracks[0].bars[bar] for bar in bars]


@pytest.mark.parametrize("encoder", ["yellow", "expressive"])
@pytest.mark.parametrize(("bars", "autoregressive"), [((2, 3), False), ((5, 6, 7), True)])
def test_pitch_masks_are_kept(tiny_engine, encoder, bars, autoregressive):
    controls = {"pitch_mask": {"scale": "blues", "root": 3}}
    allowed = {(3 + degree) % 12 for degree in PITCH_SCALE_PRESETS["blues"]}
    for bar in generate(tiny_engine(encoder), piece(), controls, bars, autoregressive):
        assert bar.notes
        assert {note.pitch % 12 for note in bar.notes} <= allowed


def test_a_uniform_shape_excludes_what_is_outside(tiny_engine):
    controls = {"pitch_mask": {"shape": {"type": "uniform", "min": 60, "max": 62}}}
    for bar in generate(tiny_engine(), piece(), controls):
        assert {note.pitch for note in bar.notes} <= {60, 61, 62}


@pytest.mark.parametrize("encoder", ["yellow", "expressive", "ghost"])
@pytest.mark.parametrize(("bars", "autoregressive"), [((2, 3), False), ((5, 6, 7), True)])
def test_every_bar_gets_the_rhythm(tiny_engine, encoder, bars, autoregressive):
    controls = {"rhythm_mask": {"positions": [{"pos": 0}, {"pos": 9, "polyphony": 3}, {"pos": 40}]}}
    for bar in generate(tiny_engine(encoder), piece(), controls, bars, autoregressive):
        onsets = sorted(round(note.onset_ticks / GRID) for note in bar.notes)
        assert onsets == [0, 9, 9, 9, 40]


def test_a_rhythm_gives_way_to_hard_limits(tiny_engine):
    controls = {"rhythm_mask": {"positions": [{"pos": 0}, {"pos": 9, "polyphony": 3}]}}
    for bar in generate(tiny_engine(), piece(), controls, polyphony_hard_limit=2):
        assert sorted(note.onset_ticks // GRID for note in bar.notes) == [0, 9, 9]


def test_a_full_strength_grid_has_no_onset_between(tiny_engine):
    controls = {"rhythm_mask": {"grid": {"unit": "quarter", "strength": 1}}}
    for bar in generate(tiny_engine(), piece(), controls):
        assert all(note.onset_ticks % 1920 == 0 for note in bar.notes)


@pytest.mark.parametrize(("bars", "autoregressive"), [((2, 3), False), ((5, 6, 7), True)])
@pytest.mark.parametrize("mode", ["pitch", "full"])
def test_a_remix_keeps_the_rhythm_and_most_notes(tiny_engine, bars, autoregressive, mode):
    score = piece()
    controls = {"remix": {"amount": 0.34, "mode": mode}}
    found = generate(tiny_engine(), score, controls, bars, autoregressive)
    changed = 0
    for number, bar in zip(bars, found, strict=True):
        before = score.tracks[0].bars[number].notes
        assert [n.onset_ticks for n in bar.notes] == [4 * n.onset_ticks for n in before]
        for old, new in zip(before, bar.notes, strict=True):
            same_pitch = old.pitch == new.pitch
            same_duration = 4 * old.duration_ticks == new.duration_ticks
            changed += not (same_pitch and same_duration)
            assert mode == "full" or same_duration
    assert 1 <= changed <= math.ceil(0.34 * 3 * len(bars))


def test_controls_combine(tiny_engine):
    controls = {
        "pitch_mask": {"pitches": [70, 71]},
        "rhythm_mask": {"positions": [{"pos": 0}, {"pos": 6}]},
    }
    bars = generate(tiny_engine("expressive"), piece(), controls)
    for note in itertools.chain.from_iterable(bar.notes for bar in bars):
        assert note.pitch in (70, 71)
        assert round(note.onset_ticks / GRID) in (0, 6)  # with microtiming
