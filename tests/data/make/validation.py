"""Writes tests/data/golden/validation.json: what MIDI-GPT 0.4.2 says to good and bad requests.

Run it where the reference is installed: pip install "midigpt[inference]==0.4.2"

    python tests/data/make/validation.py

Each case is a score in short form (tracks like "m33": melodic, program 33; "d0": drums), a request,
and the verdict: "ok" with the values that the validation decided, or "error".
"""

import json
import sys
import warnings
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DATA.parent / "core"))

from validation_score import build_score  # noqa: E402

DECIDED = ("model_dim", "mask_mode", "tracks_per_step", "temperature_escalation")
TWO = [{"id": 0, "bars": [2]}, {"id": 1, "bars": []}]


def config(row, encoder="yellow", score=None, **values):
    return case(row, encoder, score, {"tracks": TWO, "config": values})


def first(row, encoder="yellow", score=None, config=None, **prompt):
    """A request whose first prompt is changed."""
    tracks = [{"id": 0, "bars": [2], **prompt}, {"id": 1, "bars": []}]
    return case(row, encoder, score, {"tracks": tracks, "config": config or {}})


def case(row, encoder, score, request):
    return {"row": row, "encoder": encoder, "score": score or {}, "request": request}


def cases():
    yield config(0)
    yield from (config(1, model_dim=n) for n in (4, 8, 0, "auto", 5, -1))
    yield from (config(1, score={"bars": n}, model_dim=0) for n in (3, 4, 7))
    yield from (config(1, "expressive", {"bars": 20}, model_dim=n) for n in (0, 12, 16, 20))
    bad_and_good = {
        "bars_per_step": (-1, 5, 4, 0, 1),
        "tracks_per_step": (-1, 0, 9),
        "ar_overlap": (-0.1, 1, 0, 0.99),
        "context": ("some", "listed", "all"),
        "context_drop": ([2], [1]),
        "context_keep": ([-1], [0]),
        "budget_margin": (0.9, 1),
        "min_overlap_bars": (-1, 0, 9),
        "max_attempts": (0, 1),
        "num_candidates": (0, 17, 16),
        "temperature": (0, -1, 0.01),
        "infill_probability": (0, 1.1, 0.5),
        "temperature_escalation": (0.9, 1, 3, 3.5),
        "top_p": (0, 1.1, 0.1),
        "novelty_threshold": (0, 1.1, 0.1),
        "mask_p": (-0.1, 1, 0.9),
        "top_k": (-1, 0, 10_000),
        "mask_k": (-1, 5),
    }
    for name, values in bad_and_good.items():
        yield from (config(2, **{name: value}) for value in values)
    yield from (config(3, mask_p=p, top_p=0.5) for p in (0.5, 0.6, 0.4))
    yield from (config(3, mask_k=k, top_k=5) for k in (5, 6, 4))
    yield case(4, "yellow", {"tracks": []}, {"tracks": TWO})
    yield config(4, score={"bars": 0})
    yield config(4, score={"bars_of": {"1": 7}})
    yield config(4, score={"bars": 3}, model_dim=4)
    for encoder in ("yellow", "ghost"):
        modes = ("auto", "token", "attention", "attention_approx", "attention_skip", "remove", "x")
        yield from (config(5, encoder, mask_mode=mode) for mode in modes)
    for encoder in ("yellow", "expressive", "ghost"):
        for controls in (
            {"velocity": True},
            {"velocity": False},
            {"microtiming": True},
            {"microtiming": False},
            {"velocity": 1},
            {"genre": "rock"},
            {"genre": "no such"},
            {"genre": 3},
            {"swing": 1},
        ):
            yield case(6, encoder, None, {"tracks": TWO, "controls": controls})
    yield config(7, score={"meter": [7, 32]})
    yield config(7, score={"meter": [7, 8]})
    yield config(7, score={"edit": [[1, 3, "ts_numerator", 3]]})
    yield config(8, score={"notes": [[200, 90, 0, 240]]})
    yield config(8, score={"notes": [[60, 90, 5000, 0]], "programs": [200, 0]})
    yield case(9, "yellow", None, {"tracks": []})
    yield case(9, "yellow", None, {"tracks": [{"id": 0, "bars": [1]}]})
    yield case(10, "yellow", None, {"tracks": [*TWO, {"id": 0, "bars": []}]})
    yield case(10, "yellow", None, {"tracks": [*TWO, {"id": 2, "bars": []}]})
    yield case(10, "yellow", None, {"tracks": [*TWO, {"id": -1, "bars": []}]})
    yield first(10, autoregressive=True, ignore=True, bars=[])
    yield first(10, ignore=True)
    yield first(10, autoregressive=True, bars=[])
    yield from (first(10, bars=bars) for bars in ([8], [-1], [1, 1], [3, 1]))
    for bars in ([6, 7], [7, 6], [6], [5, 7], [6, 7, 7], [0, 1, 2, 3, 4, 5, 6, 7]):
        yield first(10, autoregressive=True, bars=bars)
    yield first(10, ignore=True, bars=[], mask_bars=[1])
    yield from (first(10, mask_bars=bars) for bars in ([3], [8], [-1], [2], [3, 3]))
    yield first(10, score={"edit": [[0, 2, "future", True]]})
    yield first(10, score={"edit": [[0, 3, "future", True]]})
    for attributes in (
        {"min_polyphony": 3},
        {"min_polyphony": 10},
        {"min_polyphony": -1},
        {"no_such": 1},
        {"note_density": 3},
        {"max_note_duration": 5},
        {"max_note_duration": 6},
    ):
        yield first(11, attributes=attributes)
    drums = {"tracks": ["d0", "m0"]}
    yield first(11, score=drums, attributes={"note_density": 3})
    yield first(11, score=drums, attributes={"min_polyphony": 3})
    yield first(11, "expressive", attributes={"bar_min_polyphony": 3})
    yield first(11, "expressive", attributes={"key_signature": 3, "nomml": 4})
    for levels in (
        {2: {"bar_min_polyphony": 3}},
        {3: {"bar_min_polyphony": 3}},
        {9: {"bar_min_polyphony": 3}},
        {2: {"no_such": 3}},
        {2: {"min_note_duration": 3}},
        {2: {"bar_min_polyphony": 10}},
        {2: {"bar_note_density": 3}},
    ):
        yield first(12, "expressive", bar_attributes=levels)
    whole = {"autoregressive": True, "bars": []}
    for controls in (
        {2: {"time_signature": 13}},
        {2: {"time_signature": 36}},
        {2: {"time_signature": -1}},
        {2: {"time_signature": 10}},
        {9: {"time_signature": 13}},
        {2: {"swing": 1}},
    ):
        yield first(13, **whole, bar_controls=controls)
    yield first(13, bar_controls={3: {"time_signature": 13}})
    yield first(13, bar_controls={2: {"time_signature": 13}})
    for controls in (
        {"swing": 1},
        {"time_signature": 13},
        {"time_signature": 36},
        {"time_signature": -1},
        {"pitch_mask": {"scale": "major"}},
        {"pitch_mask": {"scale": "x"}},
        {"pitch_mask": 3},
        {"pitch_mask": {"pitches": []}},
        {"rhythm_mask": {"grid": {"unit": "quarter"}}},
        {"rhythm_mask": {"grid": {"unit": "x"}}},
        {"rhythm_mask": {"positions": [{"pos": 1}]}},
        {"rhythm_mask": {"positions": [{"pos": 0}, {"pos": 191}]}},
        {"rhythm_mask": {"positions": [{"pos": 0}, {"pos": 192}]}},
        {"rhythm_mask": 3},
        {"remix": {"amount": 0.5}},
        {"remix": {"amount": 0}},
        {"remix": []},
        {"remix": {"amount": 0.5}, "rhythm_mask": {"grid": {"unit": "quarter"}}},
    ):
        yield first(14, controls=controls)
    for tracks_per_step in (0, 1, 2):
        for controls in (
            {"remix": {"amount": 0.5}},
            {"rhythm_mask": {"positions": [{"pos": 0}]}},
            {"rhythm_mask": {"grid": {"unit": "quarter"}}},
            {"pitch_mask": {"scale": "major"}},
        ):
            yield first(14, config={"tracks_per_step": tracks_per_step}, controls=controls)
    for controls in ({"pitch_mask": {"scale": "major"}}, {"remix": {"amount": 1}}):
        ignored = {"id": 1, "bars": [], "ignore": True, "controls": controls}
        tracks = [{"id": 0, "bars": [2]}, ignored]
        yield case(14, "yellow", None, {"tracks": tracks})
    yield case(15, "yellow", None, {"tracks": [{"id": 0, "bars": []}, {"id": 1, "bars": []}]})
    yield config(15, "yellow without infill")
    yield first(15, "yellow without infill", autoregressive=True, bars=[])


def verdict(one, encoders):
    from midigpt.inference import GenerationRequest, validate_request

    request = GenerationRequest.from_dict(one["request"])
    config, analyzer = encoders(one["encoder"])
    try:
        request = validate_request(request, build_score(one["score"]), config, analyzer)
    except Exception:
        return {"verdict": "error"}
    decided = {name: getattr(request.config, name) for name in DECIDED}
    bars = {str(prompt.id): prompt.bars for prompt in request.tracks}
    return {"verdict": "ok", "decided": decided, "bars": bars}


def reference_encoder(name):
    import midigpt._core as core
    from midigpt.tokenizer.tokenizer import Tokenizer

    name, _, lacks = name.partition(" without ")
    settings = json.loads((DATA.parents[1] / "models/encoders" / f"{name}.json").read_text())
    if lacks:
        settings["supports_infill"] = False
    config = core.EncoderConfig.from_json(json.dumps(settings))
    return config, Tokenizer(config)._analyzer  # Tokenizer adds the attribute domains to config


if __name__ == "__main__":
    import midigpt

    warnings.simplefilter("ignore")
    midigpt.set_verbosity(0)
    encoders = cache(reference_encoder)
    found = [one | verdict(one, encoders) for one in cases()]
    text = ",\n".join(json.dumps(one) for one in found)
    (DATA / "golden" / "validation.json").write_text(f'{{"cases": [\n{text}\n]}}\n')
    print(len(found), "cases,", sum(one["verdict"] == "ok" for one in found), "ok")
