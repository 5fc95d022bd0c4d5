"""Descriptions say what is in the music, in many ways; adherence is measured from the notes."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from midigpt import Bar, Note, Score, Track, events, midi
from midigpt.captions import Features, caption, measure, measure_midi
from midigpt.captions.adherence import adherence
from midigpt.captions.instruments import NAME_OF
from midigpt.captions.phrases import density_words, moods, tempo_words
from midigpt.captions.tempo import SHAPE, candidates, estimate_tempo
from midigpt.cli import main

MIDI = Path(__file__).parents[1] / "data" / "midi"
WALTZ = Features(
    instruments=("violin", "piano"),
    genre="jazz",
    tempo=96.0,
    meter=(3, 4),
    key="A minor",
    density=5.0,
)


def scale(program: int, tonic: int, beat: float = 0.5, minor: bool = False) -> events.Events:
    """Two octaves up and down, a note on each beat, the tonic chord held below."""
    steps = [0, 2, 3, 5, 7, 8, 11] if minor else [0, 2, 4, 5, 7, 9, 11]
    pitches = [tonic + s + 12 * o for o in range(2) for s in steps]
    pitches += [*pitches[::-1], tonic]
    third = 3 if minor else 4
    rows = [[round(100 * beat * k), 40, 128 * program + p] for k, p in enumerate(pitches)]
    rows += [[0, 999, 128 * program + tonic + k] for k in (0, third, 7)]
    return np.array(sorted(rows), dtype=np.int32)


def test_each_program_has_an_everyday_name():
    assert len(NAME_OF) == 129
    assert (NAME_OF[0], NAME_OF[33], NAME_OF[40], NAME_OF[66]) == (
        "piano", "electric bass", "violin", "saxophone"
    )  # fmt: skip
    assert NAME_OF[128] == "drums"


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("tonic, name", [(60, "C"), (57, "A"), (63, "Eb"), (66, "F#")])
def test_keys_of_scales(tonic, name, minor):
    found = measure(scale(0, tonic, minor=minor))
    assert found.key == f"{name} {'minor' if minor else 'major'}"


def test_drums_alone_have_no_key_and_rests_are_nothing():
    kit = np.array([[k * 25, 10, 128 * 128 + 36] for k in range(40)], dtype=np.int32)
    found = measure(kit)
    assert (found.key, found.instruments) == (None, ("drums",))
    assert found.density == pytest.approx(40 / 10.75)
    assert measure(events.pad(kit[:0], 500)) == Features()


def test_instruments_come_by_the_number_of_their_notes_and_rare_ones_are_left_out():
    many = scale(40, 60)
    few = scale(56, 60)[:20]
    one = scale(11, 60)[:1]
    found = measure(np.vstack([few, many, many, one, many]))
    assert found.instruments == ("violin", "trumpet")


def test_tempo_and_meter_are_those_in_force_the_longest():
    bars = [Bar([Note(60, 90, k * 480, 400) for k in range(3)], 3, 4, 3.0) for _ in range(8)]
    waltz = midi.write_bytes(Score([Track(bars)], tempo=400_000))
    found = measure_midi(waltz, "folk")
    assert (found.tempo, found.meter, found.genre) == (150.0, (3, 4), "folk")
    eroica = measure_midi((MIDI / "eroica_strings.mid").read_bytes())
    assert (eroica.tempo, eroica.meter) == (180.0, (3, 4))
    assert set(eroica.instruments) == {"violin", "viola", "cello", "double bass"}


def test_phrasings_are_many_and_all_true():
    texts = {caption(WALTZ, random.Random(seed)) for seed in range(200)}
    assert len(texts) > 190
    for text in texts:
        assert "violin" in text and "piano" in text
        assert "jazz" in text and "A minor" in text and "3/4" in text
        numbers = re.findall(r"(\d+) BPM", text)
        assert numbers in ([], ["96"])
        assert numbers or any(word in text for word in tempo_words(96))
        assert any(word in text for word in density_words(5.0))
        assert any(mood.lower() in text.lower() for mood in moods(WALTZ))
        assert text[0].isupper() and text.endswith(".")
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|with with|  ", text), text


def test_what_is_unknown_or_left_out_is_not_mentioned():
    for seed in range(50):
        text = caption(Features(instruments=("piano",)), random.Random(seed))
        assert not re.search(r"BPM|tempo|\bin\b|texture|arrangement|major|minor", text)
        bare = caption(WALTZ, random.Random(seed), share=0.0)
        assert "violin" in bare and "jazz" not in bare and "A minor" not in bare


@pytest.mark.parametrize("tempo", [72, 96, 120, 140])
def test_the_tempo_of_a_steady_beat(tempo):
    beat = 60 / tempo
    onsets = [k * beat / 2 for k in range(64)]
    piece = np.array([[round(100 * t), 10, 60] for t in onsets], dtype=np.int32)
    found = estimate_tempo(piece)
    assert min(abs(found * factor / tempo - 1) for factor in (0.5, 1, 2)) < 0.01
    assert estimate_tempo(piece[:5]) is None


def rock(tempo, bars=8):
    """Hi-hats and bass in eighths, kick on one and three, snare on two and four, held chords."""
    hats = [Note(42, 90, 240 * k, 120) for k in range(8)]
    kit = hats + [Note((36, 38)[k % 2], 90, 480 * k, 120) for k in range(4)]
    bass = [Note(40, 90, 240 * k, 240) for k in range(8)]
    chord = [Note(pitch, 90, 0, 1920) for pitch in (60, 64, 67)]
    tracks = [Track([Bar(part)] * bars, program, kind) for part, program, kind in (
        (kit, 0, "drum"), (bass, 33, "melodic"), (chord, 0, "melodic")
    )]  # fmt: skip
    return midi.write_bytes(Score(tracks, tempo=round(60e6 / tempo)))


@pytest.mark.parametrize("tempo", [66, 80, 96, 110, 126, 140, 160, 176])
def test_the_tempo_of_a_band_is_neither_half_nor_double(tempo):
    assert estimate_tempo(events.from_midi(rock(tempo))) == pytest.approx(tempo, rel=0.01)


@pytest.mark.parametrize("name, tempo", [("eroica_strings", 180), ("wrought_havoc", 126)])
def test_the_tempo_of_the_beginnings_of_real_pieces(name, tempo):
    piece = events.from_midi((MIDI / f"{name}.mid").read_bytes())[:133]
    assert estimate_tempo(piece) == pytest.approx(tempo, rel=0.01)


def test_the_tempo_of_a_band_that_plays_unevenly():
    """Each step from an onset to the next is some 4 % too long or too short, and all add up."""
    piece = events.from_midi((MIDI / "wrought_havoc.mid").read_bytes())[:133]
    onsets, at = np.unique(piece[:, 0], return_inverse=True)
    rng = np.random.default_rng(0)
    for _ in range(5):
        steps = np.diff(onsets, prepend=0) * rng.normal(1, 0.04, len(onsets))
        uneven = np.column_stack([np.rint(np.cumsum(steps))[at], piece[:, 1:]]).astype(np.int32)
        assert estimate_tempo(uneven) == pytest.approx(126, rel=0.05)


def test_the_weights_of_tempos_can_be_made_anew(tmp_path, capsys):
    pytest.importorskip("torch")
    from midigpt.training.tempo import main as fit

    files = {"train": range(60, 170, 7), "valid": range(63, 170, 20), "test": range(66, 170, 20)}
    options = ["-o", str(tmp_path / "tempo.json")]
    for name, tempos in files.items():
        table = pa.table({"midi": [rock(tempo, bars=12) for tempo in tempos]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
        options += [f"--{name}", str(tmp_path / f"{name}.parquet")]
    fit(options)
    assert "test: 100 % of 6" in capsys.readouterr().out
    table = json.loads((tmp_path / "tempo.json").read_text())
    assert {name: len(table[name]) for name in SHAPE} == SHAPE
    tempos, features = candidates(events.from_midi(rock(120)))
    assert features.shape == (len(tempos), sum(SHAPE.values()))


def test_adherence_of_the_right_and_the_wrong_music():
    piece = scale(40, 57, beat=0.625, minor=True)  # 96 BPM
    said = measure(piece, tempo=96.0)
    right = adherence(said, piece)
    assert (right.instruments, right.key, right.density) == (1.0, True, True)
    assert right.tempo_or_double
    wrong = adherence(
        Features(instruments=("violin", "drums"), tempo=75.0, key="C major", density=20.0), piece
    )
    assert (wrong.instruments, wrong.key, wrong.density) == (0.5, False, False)
    assert not wrong.tempo_or_double
    assert adherence(Features(), piece).tempo is None


def test_the_command(tmp_path, capsys):
    files = [str(file) for file in sorted(MIDI.glob("*.mid"))]
    assert main(["caption", *files, "--n", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * len(files) == len(set(lines))
    assert main(["caption", files[0], "--json", "--genre", "symphonic"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["key"] and facts["genre"] == "symphonic" and len(facts["captions"]) == 1
    (tmp_path / "bad.mid").write_bytes(b"x")
    for options, message in (
        (["--n", "0", files[0]], "--n is 0"),
        ([str(tmp_path / "bad.mid")], "bad"),
    ):
        assert main(["caption", *options]) == 2
        errors = capsys.readouterr().err
        assert message in errors and errors.count("\n") == 1


def test_the_density_that_a_text_names():
    from midigpt.captions.phrases import density_level, density_words

    for density, level in ((1, 0), (5, 1), (12, 2), (30, 3)):
        for word in density_words(density):
            assert density_level(f"A {word.upper()} song") == level
    assert density_level("A waltz with thinly veiled sorrow, densely told") is None
    assert density_level("First dense, then sparse") == 0
