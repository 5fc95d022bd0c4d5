"""Training examples of text-to-music models, and a run of twenty steps."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

from tiny_llama import write_tiny_llama  # noqa: E402

from midigpt import events  # noqa: E402
from midigpt.compose import Prompter  # noqa: E402
from midigpt.training.text.anticipation import MIXTURE, anticipate  # noqa: E402
from midigpt.training.text.examples import IGNORED, Recipe, collate, make_example  # noqa: E402
from midigpt.training.text.loss import full_loss, slot_loss  # noqa: E402
from midigpt.training.text.sources import from_midicaps, parse, read_midicaps  # noqa: E402

MIDI = Path(__file__).parents[1] / "data" / "midi"
PIECE = (MIDI / "wrought_havoc.mid").read_bytes()
ONLY = {name: tuple(float(k == i) for k in range(4)) for i, name in enumerate("psri")}


@pytest.fixture(scope="module")
def prompter(tmp_path_factory):
    folder = write_tiny_llama(tmp_path_factory.mktemp("llama"))
    config = json.loads((folder / "config.json").read_text())
    return Prompter.from_folder(folder, config["vocab_size"])


@pytest.fixture(scope="module")
def piece():
    return parse(PIECE, "rock")


def music_of(example, prompter):
    return example.ids[example.prompt :] - prompter.first_event


def controls_of(ids):
    triples = ids[: len(ids) // 3 * 3].reshape(-1, 3)
    return triples[:, 0] >= events.CONTROL_OFFSET


@pytest.mark.parametrize("mixture", [MIXTURE, *ONLY.values()])
def test_examples_are_a_prompt_a_mode_and_valid_events(prompter, piece, mixture):
    for seed in range(8):
        recipe = Recipe(length=400, mixture=mixture, vary=True)
        example = make_example(piece, prompter, recipe, [seed])
        assert len(example.ids) <= 400
        mode = example.ids[example.prompt - 1] - prompter.first_event
        music = music_of(example, prompter)
        events.validate(music)
        triples = music.reshape(-1, 3)
        assert triples[~controls_of(music), 0].min() <= 100
        has_controls = bool(controls_of(music).any())
        assert mode in (events.AUTOREGRESS, events.ANTICIPATE)
        assert not (has_controls and mode == events.AUTOREGRESS)
        if mixture == ONLY["p"]:
            assert mode == events.AUTOREGRESS
        text = prompter.tokenizer.decode(list(example.ids[1 : example.prompt - 1]))
        assert text.startswith("You are a world-class composer.")


def test_anticipation_moves_what_it_says(piece):
    window = events.window(piece.notes, 0, 3000)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ids, _ = anticipate(window, rng, ONLY["i"])
        parsed, control = events.from_ids(ids).notes, controls_of(ids)
        rests = ids.reshape(-1, 3)[:, 2] == events.REST
        instruments = parsed[:, 2] // 128
        moved, kept = set(instruments[control[~rests]]), set(instruments[~control[~rests]])
        assert moved and kept and not moved & kept
        ids, _ = anticipate(window, np.random.default_rng(seed), ONLY["s"])
        times = events.from_ids(ids).notes[controls_of(ids)[ids.reshape(-1, 3)[:, 2] != 27512], 0]
        if len(times):  # in spans of five seconds
            starts = times[np.r_[True, np.diff(times) > 200]]
            assert len(starts) <= 1 + (times[-1] - times[0]) / events.TICKS_PER_SECOND / 5 + 1
    shares = []
    for seed in range(60):
        ids, _ = anticipate(window, np.random.default_rng(seed), ONLY["r"])
        rests = ids.reshape(-1, 3)[:, 2] == events.REST
        shares.append(controls_of(ids)[~rests].mean())
    assert min(shares) < 0.2 and max(shares) > 0.8
    assert np.mean(shares) == pytest.approx(0.5, abs=0.12)


def test_each_control_stands_five_seconds_ahead(piece):
    window = events.window(piece.notes, 0, 3000)
    ids, _ = anticipate(window, np.random.default_rng(1), ONLY["r"])
    last = 0
    for triple in ids.reshape(-1, 3):
        if triple[0] >= events.CONTROL_OFFSET:
            assert triple[0] - events.CONTROL_OFFSET <= last + 500
        else:
            last = triple[0]


def test_labels_are_the_events_alone(prompter, piece):
    recipe = Recipe(length=300, mixture=ONLY["i"])
    examples = [make_example(piece, prompter, recipe, [seed]) for seed in (0, 1)]
    short = type(examples[0])(examples[0].ids[:-30], examples[0].prompt)
    batch = collate([short, examples[1]], prompter.first_event)
    ids, labels = batch["input_ids"].numpy(), batch["labels"].numpy()
    learnt = labels != IGNORED
    assert np.array_equal(labels[learnt], ids[learnt])
    assert not learnt[0, len(short.ids) :].any() and not learnt[0, : short.prompt].any()
    kinds = labels[learnt] - prompter.first_event
    assert kinds.min() >= 0 and kinds.max() <= events.REST
    music = music_of(examples[1], prompter)
    expected = np.repeat(~controls_of(music), 3)
    assert np.array_equal(learnt[1, examples[1].prompt : len(examples[1].ids)], expected)


def test_the_loss_of_slots_is_cross_entropy_over_their_rows():
    first, width = 10, 8
    torch.manual_seed(0)
    head = torch.randn(first + events.VOCABULARY, width)
    hidden = torch.randn(2, 7, width)
    music = torch.tensor([5, 10020, 11060, 9, 10000, 27512])
    labels = torch.full((2, 7), IGNORED)
    labels[0, 1:] = music + first
    labels[1, 4] = first
    loss, parts = slot_loss(hidden, labels, head, first)
    expected = []
    for row, column in (labels != IGNORED).nonzero().tolist():
        logits = head @ hidden[row, column - 1]
        token = int(labels[row, column]) - first
        low, high = [(0, 10000), (10000, 11000), (11000, 27513)][
            0 if token < 10000 else 1 if token < 11000 else 2
        ]
        slot = logits[first + low : first + high].log_softmax(0)
        expected.append(-float(slot[token - low]))
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)
    times = [expected[0], expected[3], expected[6]]
    assert parts[0] == pytest.approx(np.mean(times), rel=1e-5)
    logits = hidden @ head.T
    whole = [
        -float(logits[r, c - 1].log_softmax(0)[labels[r, c]])
        for r, c in (labels != IGNORED).nonzero().tolist()
    ]
    assert float(full_loss(logits, labels)) == pytest.approx(np.mean(whole), rel=1e-5)
    assert float(full_loss(logits, labels)) > float(loss)


def test_midicaps_are_paired_by_file_and_the_test_split_is_left_out(tmp_path, prompter):
    lakh = tmp_path / "lmd_full" / "a"
    lakh.mkdir(parents=True)
    (lakh / "a1.mid").write_bytes(PIECE)
    rows = [
        {"location": "lmd_full/a/a1.mid", "caption": "A heavy metal song."},
        {"location": "lmd_full/a/a1.mid", "caption": "Fast guitars."},
        {"location": "lmd_full/b/b2.mid", "caption": "Not there."},
        {"location": "lmd_full/f/f3.mid", "caption": "Test split."},
    ]
    table = tmp_path / "captions.json"
    table.write_text("\n".join(json.dumps(row) for row in rows))
    assert "lmd_full/f/f3.mid" not in read_midicaps(table)
    for folder in (tmp_path, tmp_path / "lmd_full"):
        (found,) = from_midicaps(table, folder)
        assert found.captions == ("A heavy metal song.", "Fast guitars.")
    example = make_example(found, prompter, Recipe(length=300), [0])
    text = prompter.tokenizer.decode(list(example.ids[1 : example.prompt - 1]))
    assert text.endswith(("A heavy metal song. ", "Fast guitars. "))
    with pytest.raises(ValueError, match="no file of"):
        list(from_midicaps(table, tmp_path / "lmd_full" / "a" / "b"))
    table.write_text("{}")
    with pytest.raises(ValueError, match="line 1"):
        read_midicaps(table)


def test_pieces_outside_the_filters_are_left_out():
    few = events.to_midi(np.array([[k * 100, 50, 60] for k in range(99)], dtype=np.int32)).data
    quick = events.to_midi(np.array([[k, 5, 60] for k in range(200)], dtype=np.int32)).data
    assert parse(few) is None and parse(quick) is None and parse(b"RIFF") is None


def trained(folder: Path, *options: str, launcher: tuple[str, ...] = ()) -> list[dict]:
    module = ["-m", "midigpt.training.text", "-o", str(folder), *options]
    command = [sys.executable, *launcher, *module]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads((folder / "losses.json").read_text())


@pytest.fixture
def corpus(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    files = [file.read_bytes() for file in sorted(MIDI.glob("*.mid"))]
    pq.write_table(
        pa.table({"midi": files, "genre": ["symphonic", "rock"]}), tmp_path / "m.parquet"
    )
    return tmp_path / "m.parquet"


@pytest.mark.nightly
def test_four_layers_learn_in_twenty_steps_and_compose(tmp_path, corpus):
    small = ["--width", "32", "--layers", "4", "--heads", "2", "--key-heads", "1"]
    options = ["--data", str(corpus), "--length", "200", "--batch", "4", "--steps", "20"]
    losses = trained(tmp_path / "out", *small, *options, "--rate", "0.01", "--vary")
    uniform = np.mean([math.log(n) for n in (10000, 1000, 16513)])
    assert losses[-1]["loss"] < 0.9 * uniform
    from midigpt.cli import main

    code = main(
        ["compose", "--model", str(tmp_path / "out"), "--prompt", "A rock song", "--n_outputs", "1",
         "--max_tokens", "60", "--no-synthesize", "--output_root", str(tmp_path / "songs")]
    )  # fmt: skip
    assert code == 0
    assert len(list((tmp_path / "songs").rglob("gen_1.mid"))) == 1


@pytest.mark.nightly
def test_shared_parts_learn_too_and_a_run_goes_on_where_it_stopped(tmp_path, corpus):
    small = ["--width", "32", "--layers", "2", "--heads", "2", "--key-heads", "1", "--structured"]
    options = ["--data", str(corpus), "--length", "200", "--batch", "4", "--rate", "0.01"]
    options += ["--minutes", "60", "--recast", "0.5", "--plain", "1000000"]
    first = trained(tmp_path / "out", *small, *options, "--steps", "10", "--save-steps", "10")
    schedule = (tmp_path / "out" / "schedule.json").read_text()
    second = trained(tmp_path / "out", *small, *options, "--steps", "20", "--save-steps", "10")
    assert (tmp_path / "out" / "schedule.json").read_text() == schedule
    assert second[0] == first[0] and second[-1]["step"] == 20
    assert second[-1]["loss"] < 0.9 * first[0]["loss"]


@pytest.mark.nightly
def test_two_processes_train_one_model(tmp_path, corpus):
    small = ["--width", "32", "--layers", "2", "--heads", "2", "--key-heads", "1"]
    options = ["--data", str(corpus), "--length", "200", "--batch", "2", "--steps", "6"]
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    losses = trained(tmp_path / "out", *small, *options, launcher=launcher)
    assert len(losses) == 1 and losses[0]["loss"] > 0
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_the_trainer_takes_the_loss_of_slots_through_the_whole_model(tmp_path, prompter, piece):
    from transformers import LlamaConfig, LlamaForCausalLM

    from midigpt.training.text.trainer import EventTrainer, arguments

    torch.manual_seed(0)
    rows = prompter.first_event + events.VOCABULARY
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=rows,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    first = prompter.first_event
    options = arguments(output_dir=str(tmp_path), use_cpu=True)
    trainer = EventTrainer(model=model, args=options, first_event=first)
    example = make_example(piece, prompter, Recipe(length=100), [0])
    batch = collate([example, example], first)
    expected, _ = slot_loss(
        model.model(batch["input_ids"]).last_hidden_state,
        batch["labels"],
        model.lm_head.weight,
        first,
    )
    assert float(trainer.compute_loss(model, batch)) == pytest.approx(float(expected), rel=1e-5)
    full = EventTrainer(model=model, args=options, first_event=first, full=True)
    logits = model(batch["input_ids"]).logits
    expected = float(full_loss(logits, batch["labels"]))
    assert float(full.compute_loss(model, batch)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.nightly
def test_a_language_model_is_given_rows_for_events(tmp_path, corpus):
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    base = tmp_path / "base"
    write_tiny_llama(base)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(base / "tokenizer.json"))
    tokenizer.save_pretrained(base)
    size = len(tokenizer)
    config = LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=48, num_hidden_layers=4,
        num_attention_heads=2, num_key_value_heads=1, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(base)
    trained(
        tmp_path / "out", "--base", str(base), "--data", str(corpus), "--length", "200",
        "--batch", "2", "--steps", "20", "--full-softmax",
    )  # fmt: skip
    saved = json.loads((tmp_path / "out" / "config.json").read_text())
    assert saved["vocab_size"] == size + events.VOCABULARY
    Prompter.from_folder(tmp_path / "out", saved["vocab_size"])


def structured_llama(width=32):
    from transformers import LlamaConfig, LlamaForCausalLM

    from midigpt.training.text.structured import StructuredLlama

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300 + events.VOCABULARY,
        hidden_size=width,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    return StructuredLlama(LlamaForCausalLM(config), 300, {299: 120})


def batch_of(piece, prompter, length=200):
    examples = [
        make_example(piece, prompter, Recipe(length, ONLY["p"], vary=True, recast=1.0), [seed])
        for seed in range(2)
    ]
    return collate(examples, prompter.first_event)


def test_a_structured_model_is_the_ordinary_one_it_folds_into(prompter, piece, monkeypatch):
    monkeypatch.setattr("midigpt.training.text.structured._FAR_TIMES", events.TIMES)
    monkeypatch.setattr("midigpt.training.text.structured._OTHER_INSTRUMENTS", 200)
    model = structured_llama()
    batch = batch_of(piece, prompter)
    shift = model.first_event - prompter.first_event
    ids, labels = batch["input_ids"], batch["labels"]
    music = ids >= prompter.first_event
    ids = torch.where(music, ids + shift, ids)
    labels = torch.where(labels == IGNORED, labels, labels + shift)
    loss, parts = model(ids, labels)
    folded = model.fold()
    hidden = folded.model(ids).last_hidden_state
    expected, expected_parts = slot_loss(hidden, labels, folded.lm_head.weight, model.first_event)
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)
    assert parts == pytest.approx(expected_parts, rel=1e-4)
    assert folded.lm_head.weight is folded.model.embed_tokens.weight
    controls = folded.lm_head.weight[300 + events.CONTROL_OFFSET : 300 + events.AUTOREGRESS]
    assert not controls.any()


def test_the_drawn_rows_stand_for_all(prompter, piece):
    model = structured_llama()
    ids = batch_of(piece, prompter)["labels"].flatten()
    shift = model.first_event - prompter.first_event
    wanted = torch.where(ids == IGNORED, ids, ids + shift)
    slot = wanted[(wanted >= 300) & (wanted < 300 + events.TIMES)]
    rows, weight = model._times(slot)
    assert set(slot.tolist()) <= set(rows.tolist())
    assert float(weight.exp().sum()) == pytest.approx(events.TIMES, rel=1e-4)
    notes = wanted[(wanted >= 300 + events.NOTE_OFFSET) & (wanted <= 300 + events.REST)]
    rows, weight = model._instruments(notes)
    assert set(notes.tolist()) <= set(rows.tolist())
    assert float(weight.exp().sum()) == pytest.approx(129 * 128 + 1, rel=1e-4)


def test_recast_parts_are_named_in_the_description(prompter, piece):
    plain, recast = Recipe(400, ONLY["p"]), Recipe(400, ONLY["p"], recast=1.0)
    programs, told = set(), set()
    for seed in range(12):
        example = make_example(piece, prompter, recast, [seed])
        notes = events.from_ids(music_of(example, prompter)).notes
        programs |= set((notes[:, 2] // 128).tolist())
        text = prompter.tokenizer.decode(list(example.ids[1 : example.prompt - 1]))
        told |= {name for name in ("harp", "flute", "organ", "violin", "tuba") if name in text}
        original = make_example(piece, prompter, plain, [seed])
        assert len(original.ids)
    assert len(programs) > 12
    assert told


def test_pieces_are_kept_on_disk(tmp_path, piece):
    from dataclasses import replace

    from midigpt.training.text.sources import cached

    pieces = [piece, replace(piece, tempo=None, genre=None, captions=("Fast guitars.",))]
    found = cached(tmp_path / "pieces.npz", lambda: iter(pieces))
    again = cached(tmp_path / "pieces.npz", lambda: pytest.fail("looked for twice"))
    for kept in (found, again):
        assert [replace(p, notes=None) for p in kept] == [replace(p, notes=None) for p in pieces]
        assert all(np.array_equal(a.notes, b.notes) for a, b in zip(kept, pieces, strict=True))


def test_a_tempo_that_changes_much_is_not_said():
    import struct

    def file(tempos):
        body = b"".join(
            b"\x00\xff\x51\x03" + struct.pack(">I", t)[1:] + b"\x00\x90\x3c\x50\x83\x60\x80\x3c\x00"
            for t in tempos
        )
        body += b"\x00\xff\x2f\x00"
        return (
            b"MThd"
            + struct.pack(">IHHH", 6, 0, 1, 240)
            + b"MTrk"
            + struct.pack(">I", len(body))
            + body
        )

    steady, changing = file([500_000] * 120), file([500_000, 900_000] * 60)
    assert parse(steady).tempo == pytest.approx(120)
    assert parse(changing).tempo is None
