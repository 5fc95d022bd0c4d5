"""One bar of an agent in compiled code: incremental reading, masks, and both density methods."""

import json

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from tiny_llama import write_orderly_llama, write_tiny_llama

from midigpt import _native, events
from midigpt.compose import Prompter
from midigpt.inference.model.native_llama import load_llama

BASS, BAND = 33, (0, events.DRUMS)
BEGIN, END = 400, 600
IMAGINE, THIN = _native.DensityMethod.IMAGINE, _native.DensityMethod.THIN
METHODS = pytest.mark.parametrize("method", [IMAGINE, THIN])


def opened(folder, weights="float32"):
    vocab_size = json.loads((folder / "config.json").read_text())["vocab_size"]
    return load_llama(folder, 512, weights, threads=1), Prompter.from_folder(folder, vocab_size)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return opened(write_tiny_llama(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def orderly(tmp_path_factory):
    """All events are equally likely, of the instruments 0, 1 and 2."""
    return opened(write_orderly_llama(tmp_path_factory.mktemp("orderly")))


def played(prompter, count, seed=0):
    """A prompt and so many events before the bar."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, BEGIN, count))
    notes = 128 * rng.choice([BASS, *BAND], count) + rng.integers(30, 80, count)
    rows = np.stack([times, rng.integers(1, 99, count), notes], axis=1).astype(np.int32)
    ids = events.to_ids(events.pad(rows, BEGIN)) + prompter.first_event
    return np.concatenate([prompter.encode("A slow waltz for piano"), ids]).astype(np.int32)


def loop(model, sequence, prompt, first, **changes):
    options = {
        "transformer": model.transformer,
        "sequence": sequence,
        "prompt": prompt,
        "first_id": first,
        "begin": BEGIN,
        "end": END,
        "instrument": BASS,
        "band": BAND,
        "seed": 1,
        **changes,
    }
    return _native.BarLoop(**options)


def finished(model, sequence, prompt, first, **changes):
    made = loop(model, sequence, prompt, first, **changes)
    made.run(10_000)
    assert made.status in (_native.StepStatus.COMPLETE, _native.StepStatus.FULL)
    return made


@METHODS
def test_what_was_read_before_changes_nothing(tiny, method):
    """Append, cut back, append again: exactly as if all had been read at once."""
    model, prompter = tiny
    first, kept = prompter.first_event, model.transformer.new_sequence()
    for count in (4, 9, 20, 12, 20):
        prompt = played(prompter, count, seed=count)
        again = finished(model, kept, prompt, first, method=method)
        fresh = finished(model, model.transformer.new_sequence(), prompt, first, method=method)
        assert again.notes == fresh.notes and again.drawn == fresh.drawn


@METHODS
def test_only_what_is_new_is_read(tiny, method):
    model, prompter = tiny
    prompt, sequence = played(prompter, 20), model.transformer.new_sequence()
    finished(model, sequence, prompt[:-12], prompter.first_event, method=method)
    again = loop(model, sequence, prompt, prompter.first_event, method=method)
    assert again.prompt_left == 12
    with_another_end = np.concatenate([prompt[:-3], prompt[-6:-3]])
    finished(model, sequence, prompt, prompter.first_event, method=method)
    assert loop(model, sequence, with_another_end, prompter.first_event).prompt_left == 3


@METHODS
def test_notes_are_the_agents_own_in_the_bar_and_in_range(orderly, method):
    model, prompter = orderly
    prompt, count = played(prompter, 8), 0
    for seed in range(40):
        made = finished(
            model, model.transformer.new_sequence(), prompt, prompter.first_event,
            method=method, seed=seed, instrument=1, band=(0, 2), lowest=20, highest=109,
            wanted=12.0, begin=0, end=9000, most_notes=6,
        )  # fmt: skip
        assert len(made.notes) <= 6
        count += len(made.notes)
        times = [time for time, _, _ in made.notes]
        assert times == sorted(times) and all(0 <= time < 9000 for time in times)
        assert all(0 <= d < events.DURATIONS and 20 <= p <= 109 for _, d, p in made.notes)
        assert len({(t, p) for t, _, p in made.notes}) == len(made.notes)
    assert count > 10


def test_the_bar_ends_by_the_models_own_choice(orderly):
    """Of ten thousand equally likely times a bar of 200 has one in fifty."""
    model, prompter = orderly
    prompt = played(prompter, 8)
    counts = [
        len(
            finished(
                model, model.transformer.new_sequence(), prompt, prompter.first_event,
                seed=seed, instrument=1, band=(),
            ).notes
        )
        for seed in range(60)
    ]  # fmt: skip
    assert counts.count(0) > 50


@METHODS
def test_an_agent_of_three_plays_a_third(orderly, method):
    """Every instrument is as likely as the others: so are its notes among those of the band."""
    model, prompter = orderly
    prompt = played(prompter, 8)

    def notes(band):
        return sum(
            len(
                finished(
                    model, model.transformer.new_sequence(), prompt, prompter.first_event,
                    begin=0, end=9990, instrument=1, band=band, method=method, seed=seed,
                    budget=60,
                ).notes
            )
            for seed in range(40)
        )  # fmt: skip

    alone, in_band = notes(()), notes((0, 2))
    assert 0.2 < in_band / alone < 0.5


@pytest.mark.parametrize("wanted", [4.0, 12.0])
def test_an_agent_that_the_model_does_not_expect_comes_as_often_as_is_wanted(orderly, wanted):
    """One of 60 instruments would play a sixtieth of the notes; it is let in for as many."""
    model, prompter = orderly
    prompt, counts = played(prompter, 8), []
    for seed in range(30):
        made = finished(
            model, model.transformer.new_sequence(), prompt, prompter.first_event, seed=seed,
            begin=0, end=9990, instrument=1, band=tuple(range(2, 61)), method=THIN, wanted=wanted,
            wanted_before=2 * wanted, played_before=2 * int(wanted),
        )  # fmt: skip
        counts.append(len(made.notes))
    assert np.mean(counts) <= wanted + 1
    silent = finished(
        model, model.transformer.new_sequence(), prompt, prompter.first_event, seed=1,
        begin=0, end=9990, instrument=1, band=tuple(range(2, 61)), method=THIN, wanted=wanted,
        wanted_before=4 * wanted,
    )  # fmt: skip
    assert len(silent.notes) > np.mean(counts)


def test_notes_are_told_one_by_one(orderly):
    model, prompter = orderly
    sequence, prompt = model.transformer.new_sequence(), played(prompter, 8)
    options = {"begin": 0, "end": 9990, "instrument": 1, "band": (), "seed": 3}
    made = loop(
        model, sequence, prompt, prompter.first_event, pause=_native.Pause.AT_NEWS, **options
    )
    seen = []
    while made.status == _native.StepStatus.RUNNING:
        made.run(1000)
        seen.append(len(made.notes))
    assert np.diff([0, *seen]).max() == 1
    whole = finished(model, sequence, prompt, prompter.first_event, **options)
    assert made.notes == whole.notes and len(whole.notes) > 1


def test_a_cancelled_loop_waits_and_goes_on(orderly):
    model, prompter = orderly
    prompt, flag = played(prompter, 8), _native.CancelFlag()
    made = loop(model, model.transformer.new_sequence(), prompt, prompter.first_event, cancel=flag)
    flag.set()
    assert made.run(1000) == _native.StepStatus.CANCELLED and not made.notes
    flag.clear()
    assert made.run(1000) == _native.StepStatus.COMPLETE


def test_without_a_budget_the_prompt_is_read_and_no_more(tiny):
    model, prompter = tiny
    sequence, prompt = model.transformer.new_sequence(), played(prompter, 20)
    made = finished(model, sequence, prompt, prompter.first_event, budget=0)
    assert made.notes == [] and sequence.length == len(prompt)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"end": BEGIN}, "begin"),
        ({"end": events.TIMES + 1}, "end"),
        ({"instrument": 129}, "instrument"),
        ({"band": (0, 300)}, "band"),
        ({"lowest": 61, "highest": 60}, "lowest"),
        ({"wanted": -1.0}, "wanted"),
        ({"wanted_before": float("inf")}, "wanted_before"),
        ({"played_before": -1}, "played_before"),
        ({"budget": -1}, "budget"),
        ({"first_id": 10**6}, "first_id"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_bad_values_are_named(tiny, changes, name):
    model, prompter = tiny
    prompt = played(prompter, 4)
    with pytest.raises(ValueError, match=name):
        loop(model, model.transformer.new_sequence(), prompt, prompter.first_event, **changes)
    with pytest.raises(ValueError, match="length of the prompt"):
        loop(model, model.transformer.new_sequence(), prompt[:0], prompter.first_event)
