"""What `midigpt evaluate` measures, against values worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import numpy as np
import pytest
from tiny_model import write_tiny_checkpoint

from midigpt import Bar, Note, Score, Track
from midigpt.cli import main
from midigpt.evaluation.curve import curve_svg, read_curve
from midigpt.evaluation.fit import consonance, kick_lock, pitch_class_overlap
from midigpt.evaluation.liveness import strays
from midigpt.evaluation.memorisation import memorisation
from midigpt.evaluation.ngram import ngram_losses
from midigpt.evaluation.statistics import METRICS, overlapping_area
from midigpt.roles import role_of_track
from midigpt.training.corpus import piece_from_score


def test_kneser_ney_agrees_with_the_formula_by_hand() -> None:
    train, test = np.array([0, 1, 0, 1, 0, 2, 1]), np.array([0, 1, 3])
    # Unigrams alone are counts: 3 zeros, 3 ones, 1 two; one id once, none twice: discount 1.
    unigrams = np.exp(-ngram_losses(train, test, 1, vocab_size=4))
    rest = 1 * 3 / 7 * 1 / 4  # discount * kinds / total, spread evenly
    assert unigrams == pytest.approx([2 / 7 + rest, 2 / 7 + rest, rest])
    # Below bigrams an id counts once for each id before it: 0 has {1}, 1 has {0, 2}, 2 has {0}.
    # Two ids with one, one with two: discount 2 / (2 + 2) = 1/2.
    bigrams = np.exp(-ngram_losses(train, test, 2, vocab_size=4))
    rest = 0.5 * 3 / 4 * 1 / 4
    lower = {0: 0.5 / 4 + rest, 1: 1.5 / 4 + rest, 3: rest}
    # Bigrams 01 x2, 10 x2, 02 x1, 21 x1: discount 2 / (2 + 4) = 1/3. After 0: 01 twice, 02 once.
    after_0 = (2 - 1 / 3) / 3 + (1 / 3) * 2 / 3 * lower[1]
    after_1 = 0 + (1 / 3) * 1 / 2 * lower[3]
    assert bigrams == pytest.approx([lower[0], after_0, after_1])


def test_ngram_probabilities_of_all_ids_sum_to_one() -> None:
    rng = np.random.default_rng(1)
    train = rng.integers(0, 5, 300)
    for context in ([0, 1, 2], [4, 4, 4]):
        last = [
            np.exp(-ngram_losses(train, np.array([*context, word]), 4, vocab_size=6)[-1])
            for word in range(6)
        ]
        assert sum(last) == pytest.approx(1.0)


def bar(*notes: tuple[int, int, int]) -> Bar:
    return Bar([Note(pitch, 80, onset, duration) for pitch, onset, duration in notes])


def test_fit_measures() -> None:
    c_major, f_sharp = bar((60, 0, 48), (64, 0, 48), (67, 0, 48)), bar((66, 0, 48))
    assert pitch_class_overlap(bar((72, 0, 48)), [c_major], 12) == pytest.approx(1 / 3)
    assert pitch_class_overlap(f_sharp, [c_major], 12) == 0
    assert pitch_class_overlap(Bar(), [c_major], 12) is None
    # F sharp with C and G: dissonant; with E, a whole tone: dissonant.
    assert consonance(f_sharp, [c_major], 12) == 0
    assert consonance(bar((72, 0, 24)), [c_major], 12) == 1  # unison, third and fifth below
    assert consonance(bar((65, 24, 24)), [bar((60, 0, 30)), bar((66, 0, 36))], 12) == pytest.approx(
        6 / 18
    )
    drums = bar((36, 0, 1), (38, 12, 1), (36, 24, 1), (38, 36, 1), (42, 6, 1))
    assert kick_lock(bar((40, 0, 12), (40, 25, 3)), [drums], 12) == pytest.approx(1)
    # Of 16 sixteenths each has 2, and they share one: (1/16 - 1/64) / (7/64).
    assert kick_lock(bar((40, 0, 12), (40, 12, 3)), [drums], 12) == pytest.approx(3 / 7)
    assert kick_lock(bar((40, 0, 12)), [bar((38, 0, 1))], 12) is None


def test_bars_stray_an_octave_beyond_what_is_known() -> None:
    known = [bar((58, 0, 12), (62, 0, 12)), bar((64, 0, 12)), Bar()]
    assert strays(
        known, [bar((48, 0, 1)), bar((47, 0, 1)), Bar(), bar((76, 0, 1), (78, 0, 1))]
    ) == [
        False,
        True,
        True,
    ]


def test_overlapping_area() -> None:
    values = np.random.default_rng(1).normal(0, 1, 400)
    assert overlapping_area(values, values) == pytest.approx(1.0)
    assert overlapping_area(values, values + 100) < 0.05
    assert 0.3 < overlapping_area(values, values + 1.5) < 0.8
    chord = bar((60, 0, 24), (64, 0, 24), (67, 24, 24), (72, 24, 24))
    found = {name: metric(chord, 12) for name, metric in METRICS.items()}
    assert found == pytest.approx(
        {
            "pitch_range": 12,
            "pitches_used": 4,
            "pitch_class_entropy": 1.5,
            "scale_consistency": 1,
            "polyphony": 2,
            "notes_in_bar": 4,
            "empty_beats": 0.5,
            "mean_velocity": 80,
        }
    )


def test_memorised_runs_are_found_in_every_key_and_end_with_the_track() -> None:
    rng = Random(3)
    tune = [(rng.randint(50, 80), 6 * i, 6) for i in range(8)]
    other = [(rng.randint(50, 80), 6 * i, 6) for i in range(8)]
    song = Score([Track([bar(*tune)], 0), Track([bar(*other)], 0)], 12)
    training = [piece_from_score(song, "test", 12)]
    copied = [(pitch + 3, onset, 3) for pitch, onset, _ in tune[2:7]]
    spoilt = [*copied[:3], (copied[3][0] + 1, copied[3][1], 3), copied[4]]
    across = [*tune, *((pitch, onset + 48, 6) for pitch, onset, _ in other)]
    found = [
        memorisation([[bar(*passage)]], [[bar(*spoilt)]], training, 12)
        for passage in (copied, across)
    ]
    assert found[0]["generated"] == {"mean": 5.0, "max": 5, "passages": 1}
    assert found[0]["real"]["max"] == 3
    assert found[1]["generated"]["max"] == 8


def test_a_learning_curve_goes_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text('{"step": 0, "train_loss": 4}\n{"step": 5}\n{"step": 10, "train_loss": 2}\n')
    picture = curve_svg({"run": read_curve(metrics)})
    (line,) = [node for node in ElementTree.fromstring(picture) if node.tag.endswith("polyline")]
    assert line.get("points") == "48.0,48.0 592.0,272.0"


def test_roles() -> None:
    low, tune = bar((33, 0, 12), (35, 12, 12)), bar((70, 0, 12), (72, 12, 12))
    chords = bar((60, 0, 12), (64, 0, 12), (67, 0, 12))
    cases = [
        (Track([low], 0, "drum"), "drums"),
        (Track([low], 43), "bass"),
        (Track([tune], 33), "bass"),
        (Track([tune], 73), "melody"),
        (Track([chords], 0), "chords"),
        (Track([tune], 50), "pads"),
        (Track([Bar()], 73), "melody"),
    ]
    assert [role_of_track(track) for track, _ in cases] == [role for _, role in cases]


def test_a_checkpoint_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("torch")
    monkeypatch.setenv("MIDIGPT_CACHE", str(tmp_path / "cache"))
    rows = []
    for seed in range(6):
        rng = Random(seed)
        lead = [bar(*((rng.randint(60, 80), 480 * i, 480) for i in range(4))) for _ in range(24)]
        bass = [bar(*((rng.randint(30, 45), 960 * i, 960) for i in range(2))) for _ in range(24)]
        drums = [bar(*((rng.choice((36, 38)), 480 * i, 1) for i in range(4))) for _ in range(24)]
        song = Score([Track(lead, 80), Track(bass, 33), Track(drums, 0, "drum")], 480)
        song.to_midi(tmp_path / "song.mid")
        rows.append({"midi": (tmp_path / "song.mid").read_bytes(), "source": f"band {seed % 2}"})
    data = tmp_path / "data.parquet"
    parquet.write_table(arrow.Table.from_pylist(rows), data)
    model = write_tiny_checkpoint(tmp_path / "tiny.safetensors", encoder="ghost")
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "encoder_config_path": str(model),
                "kinds": {"live": 0.6, "ar": 0.2, "infill": 0.2},
                "train_tokens": 20_000,
                "max_seq_len": 1024,
                "num_workers": 1,
                "min_fill_ratio": 0.0,
            }
        )
    )
    monkeypatch.setattr("midigpt.evaluation.evaluate._SESSION", 12)
    arguments = ["--train", str(data), "--config", str(config), "--scenes", "2"]
    sizes = ["--tokens", "4000", "--json", "--quiet"]
    sizes += ["--pictures", str(tmp_path / "pictures")]
    assert main(["evaluate", str(model), str(data), *arguments, *sizes]) == 0
    report = json.loads(capsys.readouterr().out)
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"answer-melody.svg", "answer-bass.svg", "answer-drums.svg"}
    losses = report["likelihood"]
    assert losses["model"]["token"] > losses["unigram"]["token"] > losses["5-gram"]["token"] > 0
    assert set(losses["model"]["target"]) == {"live", "ar", "infill"}
    assert set(losses["model"]["source"]) == {"band 0", "band 1"}
    assert set(losses["model"]["role"]) == {"melody", "bass", "drums"}
    assert report["control"]["limits_broken"] == 0 and report["control"]["limits_tried"] > 0
    assert report["control"]["note_density"]["tracks"] == 2
    assert report["control"]["note_density"]["exact"] == 1  # held, though the model is random
    assert report["control"]["note_density_told"]["tracks"] == 2
    assert report["fit"]["pitch_class_overlap"]["bars"] > 0
    assert report["fit"]["kick_lock"]["bars"] == report["fit"]["kick_lock_free"]["bars"] > 0
    assert 0 <= report["statistics"]["pitch_range"]["generated"] <= 1
    assert report["memorisation"]["real"]["mean"] > report["memorisation"]["generated"]["mean"]
    assert report["liveness"]["bars"] == 3 * 8
    assert report["liveness"]["real_out_of_register"] == 0
    assert main(["evaluate", str(model), str(data), "--parts", "luck"]) == 2
    assert "parts has ['luck']" in capsys.readouterr().err
