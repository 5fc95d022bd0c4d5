"""Every parameter's default, bounds and conversions, against the table of MIDI-GPT 0.4.2."""

from __future__ import annotations

from typing import Any

import pytest
from musician import Musician, codes

LOWEST_INT, HIGHEST_INT = -(2**31), 2**31 - 1
# name: (default, accepted, refused); ghost has windows of 4, 8, 12 and 16 bars
TABLE: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "lookahead_bars": (1, [0, 8], [-1, 9]),
    "buffer_bars": (4, [2, 64], [1, 65]),
    "num_anticipated_bars": (1, [1, 8], [0, 9]),
    "model_dim": (8, [4, 8, 12, 16], [0, 5, 17]),
    "adapt_buffer": (True, [True, False], ["maybe"]),
    "warmup_policy": ("a_empty", ["a_empty", "a_masked", "b", "b_collapse"], ["c", ""]),
    "mask_mode": (
        "token",
        ["token", "attention", "attention_approx", "attention_skip", "remove"],
        ["auto", "no"],
    ),
    "temperature": (1.0, [0.1, 5.0], [0.0999, 5.001]),
    "temperature_escalation": (1.0, [1.0, 3.0], [0.999, 3.001]),
    "top_p": (1.0, [0.001, 1.0], [0.0, -0.1, 1.001]),
    "top_k": (0, [0, 10000], [-1, 10001]),
    "mask_p": (0.0, [0.0, 0.999], [-0.001, 1.0]),
    "mask_k": (0, [0, 10000], [-1, 10001]),
    "sampling_seed": (-1, [LOWEST_INT, -1, 0, HIGHEST_INT], ["x"]),
    "max_attempts": (3, [1, 10], [0, 11]),
    "novelty_check": (True, [True, False], ["x"]),
    "silence_check": (True, [True, False], ["x"]),
    "polyphony_hard_limit": (0, [0, 128], [-1, 129]),
    "density_hard_limit": (0, [0, 1000], [-1, 1001]),
    "hold_density": (True, [True, False], ["x"]),
    "follow_kick": (1.0, [0.0, 0.5, 1.0], [-0.1, 1.1]),
    "gen_timeout": (0.0, [0.0, 1e6], [-0.001]),
    "long_notes": (False, [True, False], ["x"]),
    "lead_beats": (1.0, [0.0, 0.5, 4.0], [-0.1, 4.1]),
    "fallback": ("none", ["repeat", "vary", "hold", "rest"], ["x"]),
    "output_latency": (0.02, [0.0, 1.0], [-0.1, 1.1]),
    "streaming": (False, [True, False], ["x"]),
    "timetags": (False, [True, False], ["x"]),
    "note_offs": (False, [True, False], ["x"]),
    "sequence": (False, [True, False], ["x"]),
    "clock": ("client", ["internal", "client"], ["x"]),
}


def test_names_and_defaults(musician: Musician) -> None:
    assert musician.state()["parameters"] == {name: row[0] for name, row in TABLE.items()}


@pytest.mark.parametrize("how", ["set", "set_once"])
@pytest.mark.parametrize("name", TABLE)
def test_bounds(musician: Musician, name: str, how: str) -> None:
    default, accepted, refused = TABLE[name]
    store = "parameters" if how == "set" else "once"
    for value in accepted:
        assert musician.ask(f"param/{how}", name, value) == []
        assert musician.state()[store][name] == pytest.approx(value)
    for value in refused:
        assert codes(musician.ask(f"param/{how}", name, value)) == [4]
        assert musician.state()[store][name] == pytest.approx(accepted[-1]), "nothing is changed"
    musician.send("param/reset", name)
    assert musician.state()["parameters"][name] == default
    assert musician.state()["once"] == {}


@pytest.mark.parametrize(
    ("name", "sent", "tag", "value"),
    [
        ("lookahead_bars", 4.9, "f", 4),
        ("lookahead_bars", 3, "h", 3),
        ("lookahead_bars", 2.0, "d", 2),
        ("lookahead_bars", "5", "s", 5),
        ("lookahead_bars", True, "T", 1),
        ("temperature", 2, "i", 2.0),
        ("temperature", "0.5", "s", 0.5),
        ("adapt_buffer", 0, "i", False),
        ("adapt_buffer", 0.5, "f", True),
        ("adapt_buffer", "false", "s", False),
        ("adapt_buffer", "0", "s", False),
        ("adapt_buffer", "on", "s", True),
    ],
)
def test_conversions(musician: Musician, name: str, sent: Any, tag: str, value: Any) -> None:
    musician.send("param/set", name, sent, tags=f"s{tag}")
    assert musician.state()["parameters"][name] == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["temperature", "gen_timeout", "top_k", "adapt_buffer"])
def test_numbers_are_finite(musician: Musician, name: str, value: float) -> None:
    assert codes(musician.ask("param/set", name, value, tags="sf")) == [4]


def test_reset_all(musician: Musician) -> None:
    for name, (_, accepted, _) in TABLE.items():
        if name not in ("mask_p", "mask_k"):
            musician.send("param/set", name, accepted[0])
            musician.send("param/set_once", name, accepted[-1])
    musician.send("param/reset_all")
    assert musician.state()["parameters"] == {name: row[0] for name, row in TABLE.items()}
    assert musician.state()["once"] == {}


def test_unknown_parameter(musician: Musician) -> None:
    for name in ("mask_top_k", "Temperature", ""):
        assert codes(musician.ask("param/set", name, 1)) == [4]
        assert codes(musician.ask("param/reset", name)) == [4]


@pytest.mark.parametrize(
    ("track", "name", "accepted", "refused"),
    [
        (1, "temperature", [0.1, 5.0], [0.05, -5.0, "hot"]),
        (1, "min_pitch", [0, 127], [-1, 128]),
        (1, "max_pitch", [0, 127], [-1, 128]),
        (0, "ignore", [0, 1], ["perhaps"]),
    ],
)
def test_track_parameters(
    musician: Musician, track: int, name: str, accepted: list[Any], refused: list[Any]
) -> None:
    musician.begin()
    for value in accepted:
        assert musician.ask("track/param/set", track, name, value) == []
    for value in refused:
        assert codes(musician.ask("track/param/set", track, name, value)) == [4]
