"""The commands around training, from a folder of MIDI files to a checkpoint that plays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from tiny_model import write_tiny_checkpoint

from midigpt import Bar, Note, Score, Track
from midigpt.cli import main

ENCODERS = Path(__file__).parents[2] / "models" / "encoders"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDIGPT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    (folder / "more").mkdir(parents=True)
    for seed in range(6):
        rng = Random(seed)
        bars = [
            [Note(rng.randint(40, 80), 90, beat * 480, 240) for beat in range(4)] for _ in range(16)
        ]
        score = Score([Track([Bar(notes) for notes in bars], 0) for _ in range(2)], 480)
        score.to_midi(folder / f"{seed}.mid")
        if seed == 0:
            score.tempo = 400_000
            score.to_midi(folder / "more" / "again.MID")
    (folder / "broken.mid").write_bytes(b"MThd" + bytes(20))
    Score([Track([Bar([Note(60, 90, 0, 480)])], 0)], 480).to_midi(folder / "short.mid")
    (folder / "notes.txt").write_text("no music")
    return folder


def test_a_folder_becomes_parquet_files_without_repeats(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    data = tmp_path / "data.parquet"
    arguments = ["--licence", "CC0-1.0", "--valid", "0.4", "--workers", "1", "--quiet"]
    assert main(["dataset", "build", str(folder), "-o", str(data), *arguments]) == 0
    printed = capsys.readouterr().out
    for line in ("1 the same notes as another", "1 could not be read", "1 shorter than 4 bars"):
        assert f"left out: {line}" in printed
    rows = parquet.read_table(data).to_pylist()
    kept = parquet.read_table(tmp_path / "data.valid.parquet").to_pylist()
    assert len(rows) + len(kept) == 6 and len(rows) > 1 and len(kept) > 1
    assert {row["license"] for row in rows} == {"CC0-1.0"}
    assert {row["source"] for row in rows} == {"songs"}
    assert Score.from_bytes(rows[0]["midi"]).tracks
    # The split stays as it is when the files get other names.
    for path in folder.glob("?.mid"):
        path.rename(folder / f"x{9 - int(path.stem)}.mid")
    again = tmp_path / "again.parquet"
    assert main(["dataset", "build", str(folder), "-o", str(again), *arguments]) == 0
    assert sorted(r["midi"] for r in parquet.read_table(again).to_pylist()) == sorted(
        r["midi"] for r in rows
    )


def test_a_folder_without_music_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "d.parquet")
    assert main(["dataset", "build", str(tmp_path), "-o", output, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no .mid file" in error
    assert not (tmp_path / "d.parquet").exists()


def test_the_modules_take_the_arguments_of_midi_gpt(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    data = tmp_path / "data.parquet"
    assert main(["dataset", "build", str(folder), "-o", str(data), "--workers", "1"]) == 0
    encoder = str(ENCODERS / "yellow.json")

    def run(module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", f"midigpt.training.{module}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    printed = run(
        *("preprocess", "--parquet", str(data), "--encoder-config", encoder),
        *("--min-bars", "4", "--min-tracks", "1", "--workers", "1"),
    )
    assert "6 pieces" in printed
    settings = {
        "encoder_config_path": encoder,
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 1,
        "max_steps": 2,
        "logging_steps": 1,
        "per_device_batch_size": 2,
        "mask_apply_probability": 0.0,
        "warmup_steps": 1,
        "num_epochs": 1,
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings))
    run(
        *("trainer", "--config", str(config), "--train-data", f"{tmp_path}/*.parquet"),
        *("--eval-data", str(data), "--output-dir", str(tmp_path / "out"), "--grad-accum", "2"),
        *("--resume-from", "auto"),
    )
    assert (tmp_path / "out" / "model_final.safetensors").exists()
    assert len((tmp_path / "out" / "metrics.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("way", [["--rank", "2"], ["--full"]])
def test_a_model_is_taught_a_folder_and_plays(
    folder: Path, tmp_path: Path, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning")
    from midigpt.inference import GenerationRequest, InferenceConfig, InferenceEngine, TrackPrompt

    model = write_tiny_checkpoint(tmp_path / "tiny.safetensors", encoder="ghost")
    mine = tmp_path / "mine.safetensors"
    arguments = [str(folder), "-o", str(mine), "--model", str(model), "--steps", "5", "--quiet"]
    assert main(["finetune", *arguments, *way]) == 0
    printed = capsys.readouterr().out
    assert "left out: 1 could not be read" in printed and str(mine) in printed
    before = (tmp_path / "mine" / "metrics.jsonl").read_text()
    assert main(["finetune", *arguments, *way, "--steps", "10", "--resume"]) == 0
    after = (tmp_path / "mine" / "metrics.jsonl").read_text()
    assert after.startswith(before) and len(after) > len(before)
    score = Score.from_midi(folder / "0.mid")
    for track in score.tracks:
        track.bars = track.bars[:8]
    request = GenerationRequest(
        [TrackPrompt(0, []), TrackPrompt(1, [3])], InferenceConfig(seed=1, max_attempts=1)
    )
    written = InferenceEngine.from_checkpoint(mine).session(score, request).run()
    assert written.tracks[1].bars[3].notes
