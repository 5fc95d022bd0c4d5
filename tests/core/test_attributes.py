"""Attributes against MIDI-GPT 0.4.2 and against values worked out by hand."""

import copy
import json

import golden
import pytest

from midigpt import Bar, Note, Score, Track
from midigpt.attributes import (
    AttributeAnalyzer,
    KeySignature,
    Nomml,
    NoteDensity,
    NoteDensityQuantile,
    NoteDurationDistribution,
    NoteDurationQuantile,
    OnsetPolyphony,
    PitchClassSet,
    PitchRange,
    PolyphonyQuantile,
    SilenceProportion,
)
from midigpt.attributes.nomml import metric_depth, nomml_per_track


def analyzer_of(encoder: str, **options: bool) -> AttributeAnalyzer:
    return AttributeAnalyzer.from_config(golden.encoder_config(encoder), **options)


def on_grid(score: Score, resolution: int) -> Score:
    """Onsets and durations floored to the model grid (attributes do not look at deltas)."""
    score = copy.deepcopy(score)
    for track in score.tracks:
        for bar in track.bars:
            for n in bar.notes:
                n.onset_ticks = n.onset_ticks * resolution // score.resolution
                n.duration_ticks = max(1, n.duration_ticks * resolution // score.resolution)
    score.resolution = resolution
    return score


def melody(*bars: list[tuple[int, int, int]], resolution: int = 480, **track) -> Score:
    """One track of 4/4 bars of notes (pitch, onset, duration)."""
    return Score([Track([Bar([Note(p, 90, o, d) for p, o, d in b]) for b in bars], **track)],
                 resolution)  # fmt: skip


@pytest.mark.parametrize(
    "case", golden.cases("attributes"), ids=lambda c: f"{c['score']}-{c['encoder']}-{c['at']}"
)
def test_levels_are_those_of_midigpt_0_4_2(case):
    analyzer = analyzer_of(case["encoder"])
    score = golden.score(case["score"])
    if case["at"] == "model":
        score = on_grid(score, golden.encoder_config(case["encoder"]).resolution)
    tracks = range(len(score.tracks))
    assert [analyzer.compute_track_tokens(score, t) for t in tracks] == case["track"]
    assert [
        [analyzer.compute_bar_tokens(score, t, b) for b in range(len(score.tracks[t].bars))]
        for t in tracks
    ] == case["bars"]


def test_analyzers_of_the_published_encoders():
    specs = {
        name: analyzer_of(name).token_domain_specs()
        for name in ("yellow", "ghost", "prism", "expressive")
    }
    assert specs["yellow"] == specs["ghost"] == [
        ("NoteDensity", 10), ("MinPolyphony", 10), ("MaxPolyphony", 10),
        ("MinNoteDuration", 6), ("MaxNoteDuration", 6),
    ]  # fmt: skip
    assert specs["prism"] == [
        ("KeySignature", 25), ("TrackLevelPitchRangeMax", 128),
        ("TrackLevelSilenceProportionMax", 10), ("MinNoteDuration", 6), ("MaxNoteDuration", 6),
        ("BarLevelOnsetDensity", 10), ("BarLevelOnsetPolyphonyMin", 10),
        ("BarLevelOnsetPolyphonyMax", 10), ("BarLevelPitchClassSet", 13),
    ]  # fmt: skip
    assert specs["expressive"] == [*specs["prism"], ("TrackLevelNomml", 13)]


def test_controls_replace_the_attribute_of_their_token_type_and_unknown_ones_are_refused():
    encoder = golden.encoder_config("yellow")
    encoder.attribute_controls_json = json.dumps(
        [{"name": "note_density_quantile", "params": {"track_type": "both"}}, {"name": "nomml"}]
    )
    analyzer = AttributeAnalyzer.from_config(encoder)
    assert analyzer.attribute_track_types()["note_density"] == "both"
    assert list(analyzer.attribute_sizes())[-1] == "nomml"
    encoder.attribute_controls_json = '[{"name": "swing"}]'
    with pytest.raises(KeyError, match="swing"):
        AttributeAnalyzer.from_config(encoder)
    encoder.attribute_controls_json = '[{"name": "polyphony_quantile", "params": {"kind": "min"}}]'
    with pytest.raises(ValueError, match="polyphony_quantile"):
        AttributeAnalyzer.from_config(encoder)


def test_the_last_tick_of_the_track_has_no_voices():
    # two voices on 479 of the 480 ticks that count, one voice on 0 of them
    both = melody([(60, 0, 480), (64, 0, 480)])
    assert PolyphonyQuantile("min").compute(both, 0) == 2
    # the second note sounds on the last tick alone
    assert PolyphonyQuantile("max").compute(melody([(60, 0, 480), (64, 479, 1)]), 0) == 1
    assert PolyphonyQuantile("max").compute(melody([(60, 0, 1)]), 0) == 0


def test_polyphony_of_a_bar_stops_before_its_end():
    held = melody([(60, 1919, 5000)], [])
    assert PolyphonyQuantile("max", "bar").compute(held, 0, 0) == 0
    assert PolyphonyQuantile("max").compute(held, 0) == 1


def test_polyphony_levels_saturate():
    chord = melody([(40 + p, 0, 960) for p in range(14)])
    assert PolyphonyQuantile("max").compute(chord, 0) == 14
    assert PolyphonyQuantile("max").measure(chord, 0) == 9


def test_quantile_rank_rounds_half_to_even():
    # 0.15 * 10 = 1.5 -> 2, 0.15 * 30 = 4.5 -> 4, 0.85 * 1 -> 1, but only 0 exists
    low = NoteDurationQuantile("min")
    assert [low.rank(n) for n in (1, 10, 30)] == [0, 2, 4]
    assert NoteDurationQuantile("max").rank(1) == 0


@pytest.mark.parametrize(
    ("ticks", "level"),
    [(1, 0), (60, 0), (119, 0), (120, 1), (240, 2), (480, 3), (960, 4), (1920, 5), (9600, 5)],
)
def test_duration_levels_are_note_values(ticks, level):
    assert NoteDurationQuantile("max").compute(melody([(60, 0, ticks)]), 0) == level


def test_durations_of_drums_are_quarters():
    hits = melody([(36, 0, 1)], track_type="drum")
    assert NoteDurationQuantile("min", track_type="drum").compute(hits, 0) == 3


def test_most_frequent_duration():
    most = NoteDurationDistribution()
    assert most.compute(melody([(60, 0, 960), (60, 960, 480)]), 0) == 4  # first on ties
    assert most.compute(melody([(60, 0, 0)]), 0) == 3  # a note without length does not count


def test_density_uses_the_row_of_the_raw_program():
    notes = [(60, 40 * k, 40) for k in range(3)]
    density = NoteDensityQuantile(track_type="both")
    # upper bounds of program 0: 2 3 4 ...; of program 1: 3 4 6 ...; empty bars do not count
    assert density.compute(melody(notes, [], instrument=0), 0) == 1
    assert density.compute(melody(notes, [], instrument=1), 0) == 0
    assert density.compute(melody([], []), 0) == 0


@pytest.mark.parametrize("kind", ["drum", "melodic"])
def test_notes_in_a_bar_that_keep_a_level(kind):
    density = NoteDensityQuantile(track_type="both")
    for level in range(10):
        least, most = density.notes_in_bar(Track([], 0, kind), level)
        assert (most == 0) == (level == 9)
        for count in (least, most or least + 50):
            bars = [Bar([Note(60, 80, 0, 1)] * count), Bar([])]
            assert density.compute(Score([Track(bars, 0, kind)]), 0) == level


def test_a_level_that_no_number_of_notes_has_takes_the_nearest():
    # upper bounds of program 4: 3 3 4 ...
    assert NoteDensityQuantile().notes_in_bar(Track([], 4, "melodic"), 1) == (3, 3)


def test_simple_counts():
    score = melody([(60, 0, 480), (67, 0, 480), (72, 240, 240)], [(48, 0, 480)])
    assert NoteDensity().compute(score, 0) == 2.0
    assert OnsetPolyphony().compute(score, 0) == 2
    assert PitchRange().compute(score, 0) == 24
    assert PitchClassSet().compute(score, 0, 0) == 2
    assert PitchClassSet("track").compute(score, 0) == 2
    empty = melody()
    assert [a().compute(empty, 0) for a in (NoteDensity, OnsetPolyphony, PitchRange)] == [0, 0, 0]


@pytest.mark.parametrize("tonic", range(12))
def test_key_of_scales(tonic):
    scale = [(60 + tonic + step, 0, 480) for step in (0, 2, 4, 5, 7, 9, 11)]
    tonic_held = (60 + tonic, 480, 1440)
    assert KeySignature().compute(melody([*scale, tonic_held]), 0) == tonic


def test_key_counts_all_tracks_but_not_velocity_0():
    score = melody([], [])
    score.tracks += melody([(62, 0, 480), (66, 0, 480), (69, 0, 480)], track_type="drum").tracks
    assert KeySignature().compute(score, 0) == 2  # D major
    for note in score.tracks[1].bars[0].notes:
        note.velocity = 0
    assert KeySignature().compute(score, 0) == 24


def test_silence_measures_only_the_first_bar_properly():
    half = [(60, 0, 960), (64, 480, 480)]
    silence = SilenceProportion()
    assert silence.compute(melody(half), 0) == 0.5
    assert silence.compute(melody(half, half), 0) == 0.75  # the second bar counts as empty
    assert silence.measure(melody([]), 0) == 9
    assert silence.compute(melody(), 0) == 0.0


@pytest.mark.parametrize(
    ("onset", "resolution", "depth"),
    [(0, 480, 0), (240, 480, 2), (120, 480, 4), (60, 480, 6), (320, 480, 1), (160, 480, 3),
     (80, 480, 5), (1, 480, 12), (15, 480, 10), (1, 12, 7), (3, 12, 4), (2, 12, 5), (1, 8, 6)],
)  # fmt: skip
def test_metric_depth(onset, resolution, depth):
    assert metric_depth(onset, resolution) == depth


def test_nomml_is_the_median_depth_unless_it_is_given():
    score = melody([(60, 0, 10), (60, 120, 10), (60, 60, 10), (60, 320, 10)])  # depths 0 4 6 1
    assert Nomml().compute(score, 0) == 2
    assert nomml_per_track(score) == [2]
    score.tracks[0].attributes["_nomml_raw"] = 11
    assert Nomml().compute(score, 0) == 11
    assert Nomml().dequantize(11) == 11
    assert Nomml().compute(melody([]), 0) == 12


def test_pitch_class_tokens_are_stored_out_of_the_encoders_sight_unless_asked_for():
    score = melody([(60, 0, 480)])
    for emit, key in ((False, "BarLevelPitchClassSet"), (True, "PitchClassSet")):
        analyzer = analyzer_of("prism", emit_pitch_classes=emit)
        assert analyzer.compute_bar_tokens(score, 0, 0)[key] == 1
        assert ("BarLevelPitchClassSet", 13) in analyzer.token_domain_specs()


def test_achievable_range_given_the_bars_that_stay():
    short, long = [(60, 0, 120)] * 4, [(60, 0, 960)] * 4
    score = melody(short, long)
    low, high = NoteDurationQuantile("min"), NoteDurationQuantile("max")
    assert low.achievable_range(score, 0, [0]) == (0, 4)
    assert high.achievable_range(score, 0, [1]) == (1, 5)
    assert NoteDurationQuantile("max", "bar").achievable_range(score, 0, [1]) == (0, 5)
    density = NoteDensityQuantile(track_type="both")  # 4 notes a bar on a piano: level 2
    assert density.achievable_range(score, 0, [1]) == (2, 9)
    assert density.achievable_range(score, 0, []) == (2, 2)
    assert density.achievable_range(score, 0, [0, 1]) == (0, 9)
    assert KeySignature().achievable_range(score, 0, [1]) == (0, 24)
    assert len(score.tracks[0].bars[0].notes) == 4


def test_evaluate_and_report():
    analyzer = analyzer_of("expressive")
    score = melody([(60, 0, 480), (64, 0, 480)], [])
    score.tracks[0].attributes = {"pitch_range": 4, "bar_PitchClassSet_0": 3}
    wanted = {"pitch_range": 5, "nomml": 0, "swing": 1, "bar_min_polyphony": 1}
    assert analyzer.evaluate(wanted, score, 0) == {"pitch_range": 0.0, "nomml": 1.0}
    report = analyzer.report(score, 0, {"pitch_range": 5})
    assert report["track"]["pitch_range"] == {
        "sampled": 4, "realized": 4, "requested": 5, "consistent": True, "achieved": False,
    }  # fmt: skip
    assert report["track"]["nomml"]["consistent"] is None
    assert [bar["pitch_class_set"]["sampled"] for bar in report["bars"]] == [3, None]
    assert report["bars"][0]["pitch_class_set"]["consistent"] is False
    assert "bar_note_density" not in report["bars"][0]  # of drums only


def test_compute_all_gives_raw_values_of_every_track():
    analyzer = analyzer_of("yellow")
    assert analyzer.compute_all(melody([(36, 0, 480)], track_type="drum")) == [
        {"note_density": 0, "min_polyphony": 1, "max_polyphony": 1,
         "min_note_duration": 3, "max_note_duration": 3},
    ]  # fmt: skip


def test_every_label_list_names_every_level():
    analyzer = analyzer_of("yellow")
    labels = analyzer.attribute_value_labels()
    assert {name: len(v) for name, v in labels.items()} == analyzer.attribute_sizes()
    assert labels["max_note_duration"][3] == "quarter"
    assert analyzer.get("swing") is None


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: PolyphonyQuantile("mean"), "mode"),
        (lambda: NoteDurationQuantile("min", "beat"), "level"),
        (lambda: NoteDensityQuantile(track_type="bass"), "track_type"),
        (lambda: SilenceProportion("beat"), "level"),
        (lambda: PitchClassSet("beat"), "level"),
    ],
)
def test_wrong_parameters_are_named(make, argument):
    with pytest.raises(ValueError, match=rf"^{argument} is "):
        make()
