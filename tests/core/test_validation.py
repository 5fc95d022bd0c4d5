"""Requests that MIDI-GPT 0.4.2 accepts or refuses (tests/data/golden/validation.json).

We say the same, but for three things that it should refuse and does not.
"""

import copy
import json
import logging
from functools import cache
from pathlib import Path

import pytest
from validation_score import build_score

from midigpt.attributes import AttributeAnalyzer
from midigpt.encoder_config import EncoderConfig
from midigpt.inference import (
    GenerationRequest,
    InferenceConfig,
    RequestValidationError,
    TrackPrompt,
    validate_request,
)
from midigpt.tokenizer.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests/data/golden/validation.json").read_text())["cases"]


@cache
def encoder(name: str) -> tuple[EncoderConfig, AttributeAnalyzer]:
    name, _, lacks = name.partition(" without ")
    settings = json.loads((ROOT / "models/encoders" / f"{name}.json").read_text())
    if lacks:
        settings["supports_infill"] = False
    config = EncoderConfig.from_dict(settings)
    analyzer = AttributeAnalyzer.from_config(config)
    Tokenizer(config, analyzer)
    return config, analyzer


def refused_on_purpose(case) -> bool:
    first = case["request"]["tracks"][0]
    return (
        case["request"].get("config", {}).get("mask_mode") == "x"  # defect tag D10
        or ("edit" in case["score"] and case["row"] == 7)  # D26: meters differ between tracks
        or ("bar_controls" in first and not first.get("autoregressive", False))  # D9
    )


def validate(case):
    request = GenerationRequest.from_dict(case["request"])
    return validate_request(request, build_score(case["score"]), *encoder(case["encoder"]))


def describe(case) -> str:
    return f"row{case['row']}-{json.dumps(case['request'])[:60]}"


@pytest.mark.parametrize("case", CASES, ids=describe)
def test_verdicts_are_those_of_the_reference(case):
    if case["verdict"] == "error" or refused_on_purpose(case):
        with pytest.raises(RequestValidationError) as error:
            validate(case)
        assert str(error.value)
        assert "\n" not in str(error.value)
        return
    request = validate(case)
    decided = {name: getattr(request.config, name) for name in case["decided"]}
    assert decided == case["decided"]
    assert {str(prompt.id): prompt.bars for prompt in request.tracks} == case["bars"]


WHOLE = {"autoregressive": True, "bars": []}


@pytest.mark.parametrize(
    ("row", "parts", "request_parts"),
    [
        (1, ("model_dim", "5", "4, 8"), {"config": {"model_dim": 5}}),
        (2, ("temperature", "-1", "above 0"), {"config": {"temperature": -1}}),
        (2, ("temperature", "nan"), {"config": {"temperature": float("nan")}}),
        (2, ("temperature", "'hot'"), {"config": {"temperature": "hot"}}),
        (2, ("num_candidates", "17", "1..16"), {"config": {"num_candidates": 17}}),
        (2, ("top_p", "(0, 1]"), {"config": {"top_p": 0}}),
        (2, ("hold_density", "1"), {"config": {"hold_density": 1}}),
        (2, ("follow_kick", "1.5", "0", "1"), {"config": {"follow_kick": 1.5}}),
        (2, ("context_drop", "7", "0, 1"), {"config": {"context_drop": [7]}}),
        (3, ("mask_k", "6", "top_k = 5"), {"config": {"mask_k": 6, "top_k": 5}}),
        (5, ("mask_mode", "token", "attention"), {"config": {"mask_mode": "token"}}),
        (6, ("velocity", "False"), {"controls": {"velocity": False}}),
        (6, ("swing", "genre"), {"controls": {"swing": 1}}),
        (10, ("track 0", "bars", "8", "0..7"), {"first": {"bars": [8]}}),
        (10, ("track 0", "[6]", "last, 7"), {"first": {"autoregressive": True, "bars": [6]}}),
        (11, ("no_such", "min_polyphony"), {"first": {"attributes": {"no_such": 1}}}),
        (11, ("min_polyphony", "10", "0..9"), {"first": {"attributes": {"min_polyphony": 10}}}),
        (11, ("note_density", "drum"), {"first": {"attributes": {"note_density": 1}}}),
        (13, ("36", "0..35"), {"first": WHOLE | {"bar_controls": {2: {"time_signature": 36}}}}),
        (13, ("10", "4/4"), {"first": WHOLE | {"bar_controls": {2: {"time_signature": 10}}}}),
        (14, ("track 0", "scale", "dorian"), {"first": {"controls": {"pitch_mask": {"scale": 1}}}}),
        (14, ("track 0", "amount", "(0, 1]"), {"first": {"controls": {"remix": {"amount": 2}}}}),
        (15, ("no bars to generate",), {"first": {"bars": []}}),
    ],
)
def test_messages_name_argument_value_and_range(row, parts, request_parts):
    request = GenerationRequest.from_dict(
        {
            "tracks": [
                {"id": 0, "bars": [2]} | request_parts.get("first", {}),
                {"id": 1, "bars": []},
            ],
            "config": request_parts.get("config", {}),
            "controls": request_parts.get("controls", {}),
        }
    )
    with pytest.raises(RequestValidationError) as error:
        validate_request(request, build_score({}), *encoder("yellow"))
    for part in parts:
        assert part in str(error.value)


def test_a_request_is_left_as_it_was():
    request = GenerationRequest(
        [TrackPrompt(0, [], autoregressive=True), TrackPrompt(1, [])], InferenceConfig(model_dim=0)
    )
    before = copy.deepcopy(request)
    resolved = validate_request(request, build_score({}), *encoder("yellow"))
    assert request == before
    assert resolved.config.model_dim == 8
    assert resolved.tracks[0].bars == list(range(8))


def test_unreachable_attributes_and_strange_notes_only_warn(caplog):
    score = build_score({"notes": [[60, 90, 0, 0]], "programs": [300, 0]})
    request = GenerationRequest(
        [TrackPrompt(0, [2], attributes={"min_polyphony": 5}), TrackPrompt(1, [])]
    )
    with caplog.at_level(logging.WARNING, logger="midigpt"):
        validate_request(request, score, *encoder("yellow"))
    text = caplog.text
    assert "300" in text and "16 notes" in text and "min_polyphony" in text


def test_escalation_above_three_is_limited():
    request = GenerationRequest(
        [TrackPrompt(0, [2]), TrackPrompt(1, [])], InferenceConfig(temperature_escalation=9)
    )
    resolved = validate_request(request, build_score({}), *encoder("yellow"))
    assert resolved.config.temperature_escalation == 3


def test_requests_from_json():
    request = GenerationRequest.from_dict(
        {
            "tracks": [{"id": 0, "bars": [1], "bar_attributes": {"1": {"x": 2}}, "unknown": 1}],
            "config": {"model_dim": "auto", "unknown": 1},
        }
    )
    assert request.tracks[0].bar_attributes == {1: {"x": 2}}
    assert request.config == InferenceConfig(model_dim=0)
    for bad in ({}, {"tracks": [{"id": 0}]}, {"tracks": [3]}, []):
        with pytest.raises(ValueError):
            GenerationRequest.from_dict(bad)
