"""Reference vectors of MIDI-GPT 0.4.2 (tests/data) as objects of ours."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from midigpt import Bar, Note, Score, Track
from midigpt.encoder_config import EncoderConfig

DATA = Path(__file__).parents[1] / "data"
ENCODERS = Path(__file__).parents[2] / "models" / "encoders"
ENCODER_NAMES = ("yellow", "prism", "expressive", "ghost")


@cache
def cases(name: str) -> list[dict[str, Any]]:
    """The cases of tests/data/golden/<name>.json."""
    path = DATA / "golden" / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return found


def encoder_config(name: str) -> EncoderConfig:
    """A published encoder configuration, as its file says."""
    return EncoderConfig.from_json((ENCODERS / f"{name}.json").read_text())


def domains(name: str) -> list[tuple[str, int, int]]:
    """(type, first id, count) of each domain of a published encoder."""
    table = json.loads((DATA / "vocab" / f"vocab_{name}.json").read_text())
    return [(kind, first, count) for kind, first, count in table["domains"]]


def complete_config(name: str) -> EncoderConfig:
    """A published configuration with the domains of its attributes, without any analyzer."""
    config = encoder_config(name)
    config.derive_token_domains()
    config.add_attribute_token_domains([(kind, count) for kind, _, count in domains(name)])
    return config


def score(name: str) -> Score:
    """The input score that the other files refer to by name."""
    return next(read_score(case["score"]) for case in cases("scores") if case["name"] == name)


def read_score(data: dict[str, Any]) -> Score:
    """A score in the short form of the reference files."""
    return Score([read_track(t) for t in data["tracks"]], data["resolution"], data["tempo"])


def read_track(data: dict[str, Any]) -> Track:
    """A track in the short form of the reference files."""
    return Track(
        bars=[Bar([Note(*n) for n in b["notes"]], *b["ts"], b["beats"]) for b in data["bars"]],
        instrument=data["program"],
        track_type="drum" if data["drum"] else "melodic",
        attributes=dict(data.get("attributes", {})),
    )
