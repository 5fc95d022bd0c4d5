"""Plans, snapshots and prompts of sessions: those of MIDI-GPT 0.4.2 (golden/prompts.json)."""

import json

import golden
import pytest

from midigpt.attributes import AttributeAnalyzer
from midigpt.inference import GenerationRequest, InferenceEngine
from midigpt.tokenizer.tokenizer import Tokenizer


class PromptReadError(Exception):
    """Ends a session once it has given its prompt to the model."""


class PromptReader:
    """A language model that only keeps the first prompt it is given."""

    n_positions = 2048

    def __init__(self, vocab_size):
        self.vocab_size = vocab_size
        self.prompt = self.hidden = self.positions = None

    def new_cache(self, batch=1):
        return None

    def prefill(self, ids, cache, positions=None, key_mask=None):
        self.prompt, self.positions = list(ids), list(positions)
        visible = [True] * len(ids) if key_mask is None else list(key_mask)
        self.hidden = [place for place, sees in enumerate(visible) if not sees]
        raise PromptReadError


def first_prompt(score, encoder, request, parity=True):
    tokenizer = Tokenizer(golden.encoder_config(encoder))
    model = PromptReader(tokenizer.vocab_size())
    session = InferenceEngine(model, tokenizer).session(
        score, GenerationRequest.from_dict(request), parity=parity
    )
    snapshots = []
    session.prompt_state_sink = snapshots.append
    with pytest.raises(PromptReadError):
        session.run()
    return model, session, snapshots


@pytest.mark.parametrize(
    "case",
    golden.cases("prompts"),
    ids=lambda case: f"{case['encoder']}-{json.dumps(case['request'])[:70]}",
)
def test_prompts_are_those_of_the_reference(case):
    score = golden.score(case["score"])
    model, session, snapshots = first_prompt(score, case["encoder"], case["request"])
    assert session.plan_summary() == case["plan"]
    assert snapshots == [case["snapshot"]]
    assert model.prompt == case["step0_prompt"]
    hidden = [place for span in case["hidden_spans"] for place in range(*span)]
    assert model.hidden == hidden
    assert model.positions == list(range(len(model.prompt)))


def test_bar_attributes_are_those_of_the_bars_in_the_window():
    """Defect tag D2: MIDI-GPT 0.4.2 looks them up as if every window began the piece."""
    score = golden.score("eight")
    tracks = [{"id": 0, "bars": [5]}, {"id": 1, "bars": []}]
    request = {"tracks": tracks, "config": {"model_dim": 4}}
    model, session, _ = first_prompt(score, "prism", request, parity=False)
    start, end = session.plan_summary()[0]["window"]
    assert start > 0
    tokenizer = Tokenizer(golden.encoder_config("prism"))
    analyzer = AttributeAnalyzer.from_config(tokenizer.config)
    expected = [
        level
        for track in range(2)
        for bar in range(start, end)
        for kind, level in analyzer.compute_bar_tokens(score, track, bar).items()
        if kind == "BarLevelOnsetPolyphonyMax"
    ]
    found = [
        value
        for kind, value in map(tokenizer.vocabulary.decode, model.prompt)
        if kind.name == "BarLevelOnsetPolyphonyMax"
    ]
    assert found == expected
    reference, _, _ = first_prompt(score, "prism", request, parity=True)
    assert reference.prompt != model.prompt


def test_skipped_bars_are_not_read_and_leave_a_gap_in_the_positions():
    score = golden.score("eight")
    request = {
        "tracks": [{"id": 0, "bars": [2]}, {"id": 1, "bars": [], "mask_bars": [1]}],
        "config": {"model_dim": 4, "mask_mode": "attention"},
    }
    masked, _, _ = first_prompt(score, "yellow", request)
    request["config"]["mask_mode"] = "attention_skip"
    skipped, _, _ = first_prompt(score, "yellow", request)
    kept = [place for place in range(len(masked.prompt)) if place not in masked.hidden]
    assert masked.hidden and not skipped.hidden
    assert skipped.prompt == [masked.prompt[place] for place in kept]
    assert skipped.positions == kept


def test_removed_bars_show_neither_notes_nor_attributes():
    score = golden.score("eight")
    request = {
        "tracks": [{"id": 0, "bars": [2]}, {"id": 1, "bars": [], "mask_bars": [0, 1, 2, 3]}],
        "config": {"model_dim": 4, "mask_mode": "remove"},
    }
    model, _, snapshots = first_prompt(score, "prism", request)
    tokenizer = Tokenizer(golden.encoder_config("prism"))
    names = [tokenizer.vocabulary.get_type(token).name for token in model.prompt]
    assert names[-13:] == [*["Bar", "TimeSig", "BarEnd"] * 4, "TrackEnd", "FillInStart"][-13:]
    assert snapshots[0]["tracks"][1]["states"] == ["M"] * 4


def test_bars_that_later_steps_replace_are_shown_as_they_are():
    """Quirk Q32."""
    score = golden.score("eight")
    tracks = [{"id": 0, "bars": [2, 3]}, {"id": 1, "bars": []}]
    request = {"tracks": tracks, "config": {"model_dim": 4}}
    two_steps, session, _ = first_prompt(score, "yellow", request)
    assert len(session.plan_summary()) == 2
    tracks[0]["bars"] = [2]
    one_step, _, _ = first_prompt(score, "yellow", request)
    assert two_steps.prompt == one_step.prompt
