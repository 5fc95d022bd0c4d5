"""Training: what samples show and hide, and that a tiny model learns from them."""

from __future__ import annotations

import copy
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from midigpt import Bar, Note, Score, Track
from midigpt.attributes import AttributeAnalyzer
from midigpt.encoder_config import EncoderConfig
from midigpt.inference import (
    GenerationRequest,
    InferenceConfig,
    InferenceEngine,
    TrackPrompt,
)
from midigpt.tokenizer import Tokenizer
from midigpt.tokenizer.vocabulary import Vocabulary
from midigpt.training.config import TrainConfig
from midigpt.training.corpus import load_corpus, piece_from_score
from midigpt.training.dataset import load_pieces
from midigpt.training.isolation import Crash, map_isolated
from midigpt.training.rows import RowChoice
from midigpt.training.samples import Sampler
from midigpt.training.situation import Situation

ENCODER = Path(__file__).parents[2] / "models" / "encoders" / "ghost.json"
WINDOWS = {4: 0.5, 8: 0.5}


@pytest.fixture
def sampler() -> Sampler:
    return Sampler(encoder_config(), {"live": 1.0}, WINDOWS)


def encoder_config() -> EncoderConfig:
    return EncoderConfig.from_json(ENCODER.read_text())


def vocabulary() -> Vocabulary:
    config = encoder_config()
    Tokenizer(config)  # adds the attributes
    return Vocabulary(config)


def band(n_bars: int, rng: Random, resolution: int = 12) -> Score:
    """A lead, a bass and drums over four chords: regular enough to be learnt, yet not repeated."""
    root, quarter = rng.randint(48, 59), resolution
    score = Score(
        [Track([], 80), Track([], 33), Track([], 0, "drum")], resolution=resolution, tempo=500_000
    )
    for index in range(n_bars):
        chord = root + (0, 5, 7, 0)[index % 4]
        loud = rng.randint(60, 110)
        lead = [
            Note(chord + 12 + rng.choice((0, 4, 7)), loud, beat * quarter, quarter)
            for beat in range(4)
        ]
        bass = [Note(chord - 12, loud, beat * quarter, 2 * quarter) for beat in (0, 2)]
        drums = [Note((36, 38)[beat % 2], loud, beat * quarter, 1) for beat in range(4)]
        for track, notes in zip(score.tracks, (lead, bass, drums), strict=True):
            track.bars.append(Bar(notes))
    return score


def bars_of_tracks(ids: list[int]) -> list[list[list[str]]]:
    """Names of the token types of each bar of each track, time signature and bar ends left out."""
    words = vocabulary()
    tracks: list[list[list[str]]] = []
    for name in (words.get_type(token).name for token in ids):
        if name == "Track":
            tracks.append([])
        elif name == "Bar":
            tracks[-1].append([])
        elif name not in ("TimeSig", "BarEnd", "TrackEnd") and tracks and tracks[-1]:
            tracks[-1][-1].append(name)
    return tracks


def test_notes_are_rounded_to_the_nearest_tick_and_join_the_bar_they_round_to() -> None:
    bars = [Bar([Note(60, 90, 19, 480), Note(62, 90, 21, 10), Note(64, 90, 1901, 100)]), Bar()]
    piece = piece_from_score(Score([Track(bars)], resolution=480), "test", 12)
    # 40 ticks of 480 per quarter are one of 12: 19 -> 0, 21 -> 1; 1901 -> 48 is the next bar's 0.
    assert piece.tracks[0].notes.tolist() == [
        [0, 0, 12, 60, 90],
        [0, 1, 1, 62, 90],
        [1, 0, 3, 64, 90],
    ]


def test_live_sample_hides_the_player_from_the_playhead_on(sampler: Sampler) -> None:
    situation = Situation(window=8, playhead=5, target=6, entry=4)
    sample = sampler.live_sample(band(8, Random(1)), situation)
    lead, bass, drums = bars_of_tracks(sample.ids)
    for player in (lead, bass):
        assert all("NoteOnset" in bar for bar in player[:5])
        assert player[5:] == [["MaskBar"]] * 3
    assert drums[:4] == [[]] * 4  # the agent was silent before it came in
    assert all("NoteOnset" in bar for bar in drums[4:])
    prompt = bars_of_tracks(sample.ids[: sample.target])
    assert len(prompt[-1]) == 6 and sample.ids[sample.target - 1] == 6  # BarEnd


def test_silence_before_the_entry_can_be_hidden(sampler: Sampler) -> None:
    situation = Situation(window=4, playhead=2, target=3, entry=2, hide_silence=True)
    ids = sampler.live_sample(band(4, Random(1)), situation).ids
    assert [bar == ["MaskBar"] for bar in bars_of_tracks(ids)[-1]] == [True, True, False, False]


def test_window_moves_with_the_target(sampler: Sampler) -> None:
    session = band(20, Random(2))
    situation = Situation(window=8, playhead=18, target=19)
    ids = sampler.live_sample(copy.deepcopy(session), situation).ids
    assert [len(track) for track in bars_of_tracks(ids)] == [8, 8, 8]
    tokenizer = Tokenizer(encoder_config())
    shown = tokenizer.decode(ids, resample=False).tracks[1].bars[0].notes
    assert [n.pitch for n in shown] == [n.pitch for n in session.tracks[1].bars[12].notes]


@pytest.mark.parametrize("agent", [0, 2])
def test_what_is_hidden_does_not_reach_the_prompt(sampler: Sampler, agent: int) -> None:
    situation = Situation(window=8, playhead=9, target=10, count=2, entry=4)
    session, changed = band(12, Random(3)), band(12, Random(3))
    other = band(12, Random(4))
    for index, track in enumerate(changed.tracks):
        hidden = range(10, 12) if index == agent else range(9, 12)
        for bar in hidden:
            track.bars[bar] = Bar([Note(100, 1, 7, 90)] * 3 + other.tracks[index].bars[bar].notes)
    for score in (session, changed):
        score.tracks.append(score.tracks.pop(agent))
    first, second = (sampler.live_sample(score, situation) for score in (session, changed))
    assert first.target == second.target
    assert first.ids[: first.target] == second.ids[: second.target]
    assert first.ids != second.ids


def test_attributes_describe_the_window_s_past_or_the_answer_too(sampler: Sampler) -> None:
    session = band(8, Random(5))
    session.tracks[-1].bars[7].notes *= 8  # so many drums only in the answer
    levels = []
    for foresee in (False, True):
        sample = sampler.live_sample(
            copy.deepcopy(session), Situation(window=4, playhead=6, target=7), foresee
        )
        analyzer = AttributeAnalyzer.from_config(encoder_config())
        known = copy.deepcopy(session)
        if not foresee:
            known.tracks[-1].bars[7] = Bar()
        for track in known.tracks:
            track.bars = track.bars[4:]
        density = analyzer.compute_track_tokens(known, 2)["note_density"]
        assert 608 + density in sample.ids  # ids of NoteDensity
        levels.append(density)
    assert levels[0] < levels[1]


def test_each_kind_is_drawn_in_its_form() -> None:
    piece = piece_from_score(band(24, Random(6)), "test", 12)
    hidden = shown = 0
    for kind in ("live", "ar", "infill"):
        sampler, rng = Sampler(encoder_config(), {kind: 1.0}, WINDOWS), Random(7)
        samples = [sampler.draw(piece, rng) for _ in range(30)]
        found = [sample for sample in samples if sample is not None]
        assert len(found) > 20
        for sample in found:
            assert sample.kind == kind
            assert sample.ids[0] == (1 if kind == "infill" else 0)  # PieceStart
            assert (sample.ids[-1] == 606) == (kind == "infill")  # FillInEnd
            if kind == "live":
                *players, agent = bars_of_tracks(sample.ids)
                hidden += sum(["MaskBar"] in player for player in players)
                shown += sum(["MaskBar"] not in player for player in players)
                prompt = bars_of_tracks(sample.ids[: sample.target])[-1]
                assert "NoteOnset" in agent[len(prompt)]
            target = "FillInStart" if kind == "infill" else "Bar"
            position = sample.target - (kind == "infill")
            assert vocabulary().get_type(sample.ids[position]).name == target
    assert hidden > 2 * shown > 0  # other agents are known up to the end of the window


def test_a_begun_bar_is_known_as_far_as_it_was_played(sampler: Sampler) -> None:
    situation = Situation(window=4, playhead=2, target=3, heard=15, known={1: 4})
    lead, bass, _ = (
        track.bars
        for track in Tokenizer(encoder_config())
        .decode(sampler.live_sample(band(4, Random(1)), situation).ids, resample=False)
        .tracks
    )
    assert [(note.onset_ticks, note.duration_ticks) for note in lead[2].notes] == [(0, 12), (12, 3)]
    assert not lead[3].notes
    assert all(bar.notes for bar in bass)  # another agent has written all of its bars


class Read(Exception):
    """Carries the prompt that a model was asked to read."""


class Memory(list[int]):
    """A cache that holds just the ids."""

    @property
    def length(self) -> int:
        return len(self)

    def truncate(self, length: int) -> None:
        del self[length:]


class Reader:
    """Stands in for a language model, to see what a session lets it read before it writes."""

    vocab_size, n_positions = 650, 2048

    def new_cache(self, batch: int = 1) -> Memory:
        return Memory()

    def prefill(
        self, ids: Sequence[int], cache: Memory, *args: object, **kwargs: object
    ) -> NDArray[np.float32]:
        cache.extend(int(token) for token in ids)
        return np.zeros((1, self.vocab_size), np.float32)

    def step(self, ids: Sequence[int], cache: Memory, *args: object) -> NDArray[np.float32]:
        raise Read(cache)


@pytest.mark.parametrize(
    "situation",
    [
        Situation(window=8, playhead=3, target=4, entry=4),  # the first answer of a session
        Situation(window=8, playhead=6, target=7, entry=4),
        Situation(window=8, playhead=9, target=10, entry=4),
        Situation(window=8, playhead=21, target=22, entry=4),
        Situation(window=4, playhead=2, target=4, count=2, entry=4),
        Situation(window=12, playhead=8, target=10, count=1, entry=6, hide_silence=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("agent", [0, 1, 2])
def test_live_prompts_are_those_of_an_inference_session(
    sampler: Sampler, situation: Situation, agent: int
) -> None:
    session = band(situation.end, Random(8))
    for track in session.tracks:  # a session has no bars before its window
        track.bars = track.bars[situation.start :]
    situation = replace(
        situation,
        playhead=situation.playhead - situation.start,
        target=situation.target - situation.start,
        entry=max(0, situation.entry - situation.start),
    )
    known = copy.deepcopy(session)  # what a server knows at that moment
    for index, track in enumerate(known.tracks):
        for number in range(situation.end):
            played = number < situation.playhead
            if index == agent:
                played = situation.entry <= number < situation.target
            if not played:
                track.bars[number] = Bar()
    prompts = [
        TrackPrompt(index, [], mask_bars=list(range(situation.playhead, situation.end)))
        for index in range(3)
    ]
    hidden = range(situation.entry) if situation.hide_silence else ()
    answer = range(situation.target, situation.end)
    prompts[agent] = TrackPrompt(agent, list(answer), autoregressive=True, mask_bars=list(hidden))
    config = InferenceConfig(model_dim=situation.window, seed=1)
    engine = InferenceEngine(Reader(), Tokenizer(encoder_config()))  # type: ignore[arg-type]
    with pytest.raises(Read) as read:
        engine.session(known, GenerationRequest(prompts, config)).run()

    session.tracks.append(session.tracks.pop(agent))
    sample = sampler.live_sample(session, situation)
    assert sample.ids[: sample.target] == read.value.args[0]


# --- the trainer ---------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setenv("MIDIGPT_CACHE", str(tmp_path / "cache"))
    return TrainConfig(
        output_dir=str(tmp_path / "run"),
        encoder_config_path=str(ENCODER),
        n_embd=32,
        n_layer=2,
        n_head=2,
        kinds={"live": 0.6, "ar": 0.2, "infill": 0.2},
        windows=WINDOWS,
        train_tokens=30_000,
        valid_tokens=3_000,
        max_sample_tokens=2048,
        max_steps=40,
        eval_steps=40,
        learning_rate=1e-2,
        warmup_steps=0,
        batch_tokens=4096,
        micro_batch_tokens=2048,
        logging_steps=1,
        num_workers=1,
        precision="fp32",
    )


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    arrow, writer = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows: dict[str, list[object]] = {"midi": [b"no MIDI"], "source": ["test"], "license": ["CC0"]}
    for seed in range(12):
        path = tmp_path / "piece.mid"
        band(24, Random(seed), resolution=480).to_midi(path)
        rows["midi"].append(path.read_bytes())
        rows["source"].append("test" if seed < 11 else "other")
        rows["license"].append("CC0" if seed else "CC-BY-NC-4.0")
    writer.write_table(arrow.table(rows), tmp_path / "music.parquet")
    return tmp_path / "music.parquet"


def losses(folder: str | Path) -> list[float]:
    lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").open()]
    return [line["train_loss"] for line in lines if "train_loss" in line]


def test_metrics_that_are_told_again_are_written_once(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from midigpt.training.callbacks import JsonLines

    lines = JsonLines(tmp_path)
    for step, loss in ((10, 2.5), (10, 2.5), (20, 2.25), (20, 2.25), (30, 2.25)):
        lines.log_metrics({"train_loss": loss, "epoch": 0.0}, step)
    assert losses(tmp_path) == [2.5, 2.25, 2.25]


def test_a_tiny_model_learns_more_than_how_common_each_token_is(
    config: TrainConfig, parquet: Path
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("lightning")
    from midigpt.inference.model import load_checkpoint
    from midigpt.training import train
    from midigpt.training.dataset import make_dataset

    path = train(config, parquet, parquet, quiet=True)
    metrics = [json.loads(line) for line in (path.parent / "metrics.jsonl").open()]
    counts = Counter(make_dataset(config, [parquet], 3_000).ids.tolist())
    shares = [count / counts.total() for count in counts.values()]
    entropy = -sum(share * math.log(share) for share in shares)
    (last,) = [line for line in metrics if "valid_live" in line]
    assert set(last) >= {"valid_live", "valid_live_target", "valid_ar", "valid_infill_target"}
    assert last["valid_live"] < 0.7 * entropy
    assert len(losses(path.parent)) == 40
    bundle = load_checkpoint(path)
    assert bundle.model is not None and bundle.model.vocab_size == 650
    assert all(torch.isfinite(p).all() for p in bundle.model.parameters())


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_goes_the_same_way(
    config: TrainConfig, parquet: Path, tmp_path: Path, optimizer: str
) -> None:
    pytest.importorskip("lightning")
    from midigpt.training import train

    config = replace(config, max_steps=6, save_steps=2, optimizer=optimizer, threads=1)
    train(replace(config, output_dir=str(tmp_path / "straight")), parquet, quiet=True)
    broken = tmp_path / "broken"
    config = replace(config, output_dir=str(broken))
    train(config, parquet, quiet=True)
    for late in ("step=6.ckpt", "model-step=6.safetensors"):  # as if it had stopped in step 5
        (broken / "checkpoints" / late).unlink()
    (broken / "model_final.safetensors").unlink()
    path = train(config, parquet, resume_from="auto", quiet=True)
    assert path.exists()
    assert len(losses(broken)) == 6
    assert losses(broken) == pytest.approx(losses(tmp_path / "straight"), abs=1e-4)
    straight, resumed = (load_file(tmp_path / run / path.name) for run in ("straight", "broken"))
    assert all(np.array_equal(straight[name], resumed[name]) for name in straight)


@pytest.mark.parametrize("seed", range(20))
def test_threads_get_like_shares_of_a_step(seed: int) -> None:
    pytest.importorskip("torch")
    from midigpt.training.batches import share_out

    rng, threads = Random(seed), 2
    lengths = sorted(rng.randint(60, 1000) for _ in range(400))
    step = [list(range(first, first + 4)) for first in rng.sample(range(0, 400, 4), 4)]
    parts = share_out(lengths, step, 4 * threads)
    assert sorted(chain.from_iterable(parts)) == sorted(chain.from_iterable(step))
    work = [0] * threads
    for part in parts:  # each thread takes the next when it is done with one
        work[work.index(min(work))] += len(part) * max(lengths[index] for index in part)
    assert max(work) < 1.2 * sum(lengths[index] for part in parts for index in part) / threads


def test_threads_and_lightning_s_own_way_compute_the_same_gradients(
    config: TrainConfig, parquet: Path, tmp_path: Path
) -> None:
    pytest.importorskip("lightning")
    from midigpt.training import train

    config = replace(config, max_steps=4, logging_steps=1, threads=2, target_weight=1.0)
    train(replace(config, output_dir=str(tmp_path / "threads")), parquet, quiet=True)
    # One micro-batch a step, so that both ways divide by the same number of tokens.
    one = replace(config, batch_tokens=2048)
    train(replace(one, output_dir=str(tmp_path / "a")), parquet, quiet=True)
    alone = replace(one, output_dir=str(tmp_path / "b"), strategy="single_device")
    train(alone, parquet, quiet=True)
    assert losses(tmp_path / "a") == pytest.approx(losses(tmp_path / "b"), abs=1e-4)
    assert len(losses(tmp_path / "threads")) == 4


def test_lora_changes_only_the_layers(config: TrainConfig, parquet: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from midigpt.training import train

    first = train(replace(config, max_steps=2), parquet, quiet=True)
    tuned = replace(
        config, max_steps=3, init_from=str(first), lora_rank=4, output_dir=str(tmp_path / "tuned")
    )
    before, after = load_file(first), load_file(train(tuned, parquet, quiet=True))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    matrices = {name for name in before if ".h." in name and before[name].ndim == 2}
    assert before.keys() == after.keys() and changed == matrices


def test_rows_of_other_licences_and_sources_and_broken_files_are_left_out(
    config: TrainConfig, parquet: Path
) -> None:
    choice = RowChoice(licences=("CC0",), exclude_sources=("other",))
    corpus = load_corpus(parquet, 12, choice, workers=1)
    assert len(corpus.pieces) == 10
    assert [len(track.notes) for track in corpus.pieces[0].tracks] == [96, 48, 96]
    assert corpus.skipped == {"not chosen": 2, "could not be read": 1}
    assert "10 pieces, 1 could not be read, 2 not chosen" in corpus.tell("music")


def test_a_truncated_file_is_named_and_the_others_are_used(
    config: TrainConfig, parquet: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(parquet.read_bytes()[:-500])
    with caplog.at_level("WARNING"):
        assert len(load_pieces(config, [cut, parquet])) == 12
    assert "cut.parquet is not a whole Parquet file" in caplog.text
    with pytest.raises(ValueError, match=r"cut\.parquet is not a whole Parquet file"):
        load_pieces(config, [cut])


def test_a_damaged_part_of_a_file_costs_its_rows_alone(
    config: TrainConfig, parquet: Path, tmp_path: Path
) -> None:
    from pyarrow import parquet as files

    table = files.read_table(parquet)
    damaged = tmp_path / "damaged.parquet"
    files.write_table(table, damaged, row_group_size=4, compression="zstd")
    column = files.ParquetFile(damaged).metadata.row_group(1).column(0)
    data = bytearray(damaged.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 200] = bytes(200)
    damaged.write_bytes(data)
    corpus = load_corpus(damaged, 12, workers=1)
    assert len(corpus.pieces) == 8
    assert corpus.skipped == {"could not be read": 1, "in damaged parts of the file": 4}


def dies_of_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 9:
        time.sleep(600)
    return 2 * number


def test_an_item_that_kills_or_hangs_its_process_costs_nothing_else() -> None:
    found = list(map_isolated(dies_of_three, range(6), workers=2))
    assert isinstance(found[3], Crash)
    assert [number for number in found if not isinstance(number, Crash)] == [0, 2, 4, 8, 10]
    (hung,) = map_isolated(dies_of_three, [9], workers=1, seconds=2.0)
    assert isinstance(hung, Crash)


def test_a_script_that_starts_itself_again_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from midigpt.training.isolation import map_isolated\n"
        "print(list(map_isolated(abs, range(200), workers=2)))\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1 and not ended.stdout
    assert ended.stderr.splitlines()[-1].startswith("RuntimeError: a worker process ended")
    assert "__main__" in ended.stderr.splitlines()[-1]


def test_settings_out_of_range_are_named(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"max_sample_tokens is 4096; the context .* 2048"):
        replace(config, max_sample_tokens=4096)
    with pytest.raises(ValueError, match="optimizer is 'sgd'"):
        replace(config, optimizer="sgd")
    (tmp_path / "c.yaml").write_text("encoder_config_path: e.json\nlearning_rate: 0.5\nother: 1\n")
    read = TrainConfig.from_file(tmp_path / "c.yaml", max_steps=3)
    assert (read.learning_rate, read.max_steps) == (0.5, 3)
    assert read.encoder_config_path == str(tmp_path / "e.json")


def test_encoders_without_mask_tokens_hide_bars_from_attention() -> None:
    torch = pytest.importorskip("torch")
    from midigpt.inference.model import GPT2Config, GPT2LMHeadModel

    config = EncoderConfig.from_json((ENCODER.parent / "yellow.json").read_text())
    with pytest.raises(ValueError, match="MaskBar"):
        Sampler(config, {"live": 1.0}, WINDOWS)
    sampler = Sampler(config, {"live": 1.0}, WINDOWS, span_masks=True)
    sample = sampler.live_sample(band(8, Random(1)), Situation(window=8, playhead=5, target=6))
    assert len(sample.hidden) == 2 * 3  # two players, three bars each
    assert {sample.ids[start] for start, _ in sample.hidden} == {5}  # Bar
    keys = np.ones(len(sample.ids), np.bool_)
    for start, end in sample.hidden:
        keys[start:end] = False
    ids = torch.tensor([sample.ids])
    changed = torch.where(torch.from_numpy(keys), ids, 7)
    model = GPT2LMHeadModel(GPT2Config(sampler.vocab_size, 2048, 32, 2, 2))
    shown = [model(x, key_mask=torch.from_numpy(keys)[None])[0][0, keys] for x in (ids, changed)]
    torch.testing.assert_close(shown[0], shown[1])
