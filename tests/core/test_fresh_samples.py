"""The data classes of MIDI-GPT 0.4.2: labels reach the ids, padding no loss."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
import torch
from pyarrow import parquet
from torch.utils.data import DataLoader

from midigpt import Bar, Note, Score, Track
from midigpt.encoder_config import EncoderConfig
from midigpt.midi import write_bytes
from midigpt.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary
from midigpt.training import DatasetBuilder, MidiGPTCollator, MidiGPTDataset

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"


def a_band(n_bars: int = 8) -> Score:
    lead = [Bar([Note(60 + beat, 90, beat * 480, 480) for beat in range(4)]) for _ in range(n_bars)]
    bass = [Bar([Note(36, 90, 0, 960)]) for _ in range(n_bars)]
    return Score([Track(lead, 80), Track(bass, 33)], resolution=480)


@pytest.fixture(scope="module")
def expressive() -> Tokenizer:
    return Tokenizer(EncoderConfig.from_json((ENCODERS / "expressive.json").read_text()))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    score = a_band()
    row = {
        "music": write_bytes(score),
        "num_tracks": 2,
        "total_notes": 40,
        "music_style_scraped": "No+such+style%2CJAZZ",
        "NOMML": [11, -1],
    }
    path = tmp_path / "labelled.parquet"
    parquet.write_table(arrow.Table.from_pylist([row]), path)
    return path


def values(tokenizer: Tokenizer, ids: Sequence[int], name: str) -> list[int]:
    words = Vocabulary(tokenizer.config)
    pairs = [words.decode(token) for token in ids]
    return [value for kind, value in pairs if kind.name == name]


def dataset(path: Path, tokenizer: Tokenizer, **settings: Any) -> MidiGPTDataset:
    random.seed(5)
    return MidiGPTDataset(path, tokenizer, **settings)


def test_genre_and_metric_level_of_the_row_are_in_the_sample(
    labelled: Path, expressive: Tokenizer
) -> None:
    genres = expressive.config.genre_grouping
    assert genres is not None
    samples = dataset(labelled, expressive, infill_probability=0.0)
    levels = set()
    for _ in range(12):
        ids = samples[0]
        assert values(expressive, ids, "Genre") == [genres.encode("jazz")]
        levels.update(values(expressive, ids, "TrackLevelNomml"))
    assert 11 in levels  # beyond what can be measured on the model grid
    assert len(levels) == 2  # that of the other track was not known, and is measured


def test_genre_is_left_out_as_often_as_asked(labelled: Path, expressive: Tokenizer) -> None:
    samples = dataset(labelled, expressive, genre_probability=0.0)
    assert not any(values(expressive, samples[0], "Genre") for _ in range(12))


def test_velocity_and_microtiming_are_switched_off_as_often_as_asked(
    labelled: Path, expressive: Tokenizer
) -> None:
    off = dataset(
        labelled, expressive, velocity_off_probability=1.0, microtiming_off_probability=1.0
    )[0]
    assert (
        values(expressive, off, "UseVelocity") == values(expressive, off, "UseMicrotiming") == [0]
    )
    assert not values(expressive, off, "VelocityLevel")
    assert values(expressive, dataset(labelled, expressive)[0], "VelocityLevel")


def test_share_of_fill_ins(labelled: Path, expressive: Tokenizer) -> None:
    always = dataset(labelled, expressive, infill_probability=1.0)
    never = dataset(labelled, expressive, infill_probability=0.0)
    assert all(values(expressive, always[0], "FillInStart") for _ in range(8))
    assert not any(values(expressive, never[0], "FillInStart") for _ in range(8))


def test_samples_fit_and_a_seed_repeats_them(labelled: Path, expressive: Tokenizer) -> None:
    samples = dataset(labelled, expressive, max_seq_len=40)
    random.seed(9)
    first = [samples[0] for _ in range(8)]
    random.seed(9)
    assert first == [samples[0] for _ in range(8)]
    assert all(0 < len(ids) <= 40 for ids in first)


def test_a_loader_gets_padded_batches(labelled: Path, expressive: Tokenizer) -> None:
    samples = dataset(labelled, expressive, max_seq_len=64)
    loader: Any = DataLoader(samples, collate_fn=MidiGPTCollator(max_seq_len=48))  # type: ignore[arg-type]
    batch = next(iter(loader))
    assert batch["input_ids"].shape == batch["labels"].shape
    assert batch["input_ids"].shape[1] <= 48


def test_padding_is_no_label() -> None:
    batch = MidiGPTCollator(max_seq_len=4)([[5, 6, 7, 8, 9], [3]])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [3, 0, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 0, 0, 0]]
    assert batch["labels"].tolist() == [[5, 6, 7, 8], [3, -100, -100, -100]]
    assert batch["labels"].dtype == torch.long


def test_files_that_a_builder_wrote_can_be_read_as_scores_and_trained_on(
    tmp_path: Path, expressive: Tokenizer
) -> None:
    midi, built = tmp_path / "a.mid", tmp_path / "built.parquet"
    midi.write_bytes(write_bytes(a_band()))
    DatasetBuilder().build([midi, midi], built)
    rows = parquet.read_table(built).to_pylist()
    assert len(rows) == 2
    pitches = [
        [note.pitch for bar in track.bars for note in bar.notes]
        for track in Score.from_dict(rows[0]).tracks
    ]
    assert pitches == [[60, 61, 62, 63] * 8, [36] * 8]
    assert len(dataset(built, expressive)) == 2


def test_a_file_without_usable_music_is_told(tmp_path: Path, expressive: Tokenizer) -> None:
    path = tmp_path / "short.parquet"
    row = {"music": write_bytes(a_band(2)), "num_tracks": 2, "total_notes": 10}
    parquet.write_table(arrow.Table.from_pylist([row]), path)
    with pytest.raises(ValueError, match="no piece with enough bars"):
        MidiGPTDataset(path, expressive)
