"""Plans against those of MIDI-GPT 0.4.2, and what every plan must satisfy."""

from __future__ import annotations

from typing import Any

import golden
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midigpt import _core
from midigpt.encoder_config import EncoderConfig
from midigpt.inference.planner import PlannedStep, plan


def selection(rows: list[str]) -> list[list[bool]]:
    return [[c == "1" for c in row] for row in rows]


@pytest.mark.parametrize("case", golden.cases("plans"))
def test_recorded_plans(case: dict[str, Any]) -> None:
    request = case["request"]
    steps = plan(**{**request, "selected": selection(request["selected"])})
    assert [
        [s.start_bar, s.end_bar, s.autoregressive, [list(b) for b in sorted(s.bars)]] for s in steps
    ] == case["steps"]


@given(
    st.lists(st.text("01", min_size=9, max_size=9), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.integers(1, 12),
    st.integers(0, 12),
    st.integers(0, 4),
)
def test_every_selected_bar_is_written_once_inside_its_window(
    rows: list[str], autoregressive: list[bool], window: int, bars: int, tracks: int
) -> None:
    flags = autoregressive[: len(rows)]
    steps = plan(selection(rows), flags, [False] * len(rows), window, bars, tracks)
    written = [cell for step in steps for cell in step.bars]
    wanted = {(t, b) for t, row in enumerate(rows) for b, c in enumerate(row) if c == "1"}
    assert len(written) == len(set(written))
    assert set(written) == wanted
    for step in steps:
        assert step.end_bar - step.start_bar == min(window, 9)
        assert all(step.start_bar <= bar < step.end_bar for _, bar in step.bars)
        assert {flags[track] for track, _ in step.bars} == {step.autoregressive}


def test_autoregressive_windows_slide_by_half_of_the_window() -> None:
    steps = plan([[True] * 8], [True], [False], 4)
    assert [(s.start_bar, sorted(b for _, b in s.bars)) for s in steps] == [
        (0, [0, 1, 2, 3]),
        (2, [4, 5]),
        (4, [6, 7]),
    ]


def test_an_infilled_bar_has_context_on_both_sides() -> None:
    (step,) = plan(selection(["00010000"]), [False], [False], 4)
    assert (step.start_bar, step.end_bar) == (1, 5)


def test_ignored_tracks_are_left_alone() -> None:
    assert plan([[True] * 4], [True], [True], 4) == []
    assert plan([], [], [], 4) == []


def test_summary() -> None:
    step = PlannedStep(1, 5, False, frozenset({(1, 3), (0, 2), (0, 4)}))
    assert step.summary() == {
        "window": [1, 5],
        "autoregressive": False,
        "generate": {"0": [2, 4], "1": [3]},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"D": 0}, "window_bars is 0"),
        ({"bars_per_step": -1}, "bars_per_step is -1"),
        ({"tracks_per_step": -1}, "tracks_per_step is -1"),
        ({"min_overlap_bars": -1}, "min_overlap_bars is -1"),
        ({"ar_overlap": 1.0}, "ar_overlap is 1"),
        ({"ar_overlap": float("nan")}, "ar_overlap is nan"),
        ({"ignore": []}, "one entry for each of the 2 tracks"),
        ({"selected": [[True], [True, False]]}, "differ in their number of bars"),
    ],
)
def test_bad_arguments(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "selected": [[True] * 4] * 2,
        "autoregressive": [False] * 2,
        "ignore": [False] * 2,
        "D": 4,
    }
    with pytest.raises(ValueError, match=message):
        plan(**{**good, **change})


def test_planner_class_of_the_reference() -> None:
    mask = _core.SelectionMask()
    mask.selected = selection(["00110000", "00001000"])
    mask.autoregressive = [False, False]
    mask.ignore = [False, True]
    steps = _core.StepPlanner(mask, EncoderConfig(), bars_per_step=2, tracks_per_step=1).plan()
    (step,) = steps
    assert isinstance(step, _core.GenerationStep)
    assert (step.start_bar, step.end_bar, step.is_autoregressive) == (1, 5, False)
    assert step.bars_to_generate == {(0, 2), (0, 3)}
    assert step.bar_mapping == [(0, 1, 0, 2), (0, 2, 0, 3)]
    assert step.context == selection(["01001000", "00000000"])
    assert step.track_indices == [0]


def test_an_empty_step_of_the_reference() -> None:
    step = _core.GenerationStep()
    assert (step.start_bar, step.end_bar, step.is_autoregressive) == (0, 0, True)
    assert step.bars_to_generate == set()
