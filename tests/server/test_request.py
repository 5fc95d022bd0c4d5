"""A job in the engine's words: ticks, hidden bars, seeds, ranges."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from midigpt_server.generation.job import Job
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.generation.request import bar_seed, request_of, score_of
from midigpt_server.session.piece import Track
from midigpt_server.session.snapshot import Wanted, freeze
from midigpt_server.session.stage import Stage
from midigpt_server.timing.bars import BarNote, Meter


def job_at(bar: int, meter: Meter = Meter(), ended: int = 3, **values: object) -> Job:  # noqa: B008
    """A job for ``bar`` after ``ended`` bars; every human bar has one note on each quarter."""
    stage = Stage(ModelInfo(window_lengths=(4, 8)), {})
    piece = stage.piece
    piece.add_track(Track(7, 5, True, False))
    piece.add_track(Track(3, 33, False, True))
    for index in range(ended):
        for beat in range(meter.numerator):
            onset = beat / meter.numerator
            piece.add_note(7, index, BarNote(36 + index, 90, onset, 1 / meter.numerator))
        piece.end_bar(index, meter)
    for name, value in values.items():
        stage.parameters.set(name, value)
    current = stage.parameters.current()
    wanted = Wanted(piece.tracks[1], bar, bar + 1, ended, current, 0.0)
    return freeze(stage, wanted, current, {})


@pytest.mark.parametrize(("numerator", "denominator"), [(4, 4), (3, 4), (6, 8), (7, 8)])
def test_human_bars_are_on_the_grid(numerator: int, denominator: int) -> None:
    score = score_of(job_at(4, Meter(numerator, denominator)), 12)
    assert score.resolution == 12 and [len(track.bars) for track in score.tracks] == [8, 8]
    beat = 48 // denominator
    for index, bar in enumerate(score.tracks[0].bars[:3]):
        assert (bar.ts_numerator, bar.ts_denominator) == (numerator, denominator)
        assert bar.beat_length == Fraction(4 * numerator, denominator)
        assert [(n.pitch, n.velocity, n.onset_ticks, n.duration_ticks) for n in bar.notes] == [
            (36 + index, 90, k * beat, beat) for k in range(numerator)
        ]
    assert not any(bar.notes for bar in score.tracks[0].bars[3:])
    assert (score.tracks[0].track_type, score.tracks[0].instrument) == ("drum", 5)
    assert (score.tracks[1].track_type, score.tracks[1].instrument) == ("melodic", 33)


def test_what_is_written_and_hidden() -> None:
    human, agent = request_of(job_at(4)).tracks
    assert (human.id, human.bars, human.mask_bars) == (0, [], [3, 4, 5, 6, 7])
    assert (agent.id, agent.bars, agent.mask_bars) == (1, [4, 5, 6, 7], [])
    assert agent.autoregressive and not human.autoregressive


def test_bars_are_counted_from_the_window() -> None:
    human, agent = request_of(job_at(13, ended=12)).tracks  # window 6..13
    assert human.mask_bars == [6, 7] and agent.bars == [7]


def test_a_blind_agent() -> None:
    human, agent = request_of(job_at(9, ended=1, lookahead_bars=8)).tracks  # window 2..9
    assert human.mask_bars == list(range(8)) and agent.bars == [7]


def test_policy_a_masked_hides_the_agents_empty_bars() -> None:
    _, agent = request_of(job_at(4, warmup_policy="a_masked")).tracks
    assert agent.mask_bars == [0, 1, 2, 3]


def test_an_onset_next_to_the_bar_line_goes_to_the_next_bar() -> None:
    job = job_at(4)
    late = BarNote(99, 80, 0.995, 0.25)
    human = dataclasses.replace(job.tracks[0], bars=((late,), *[()] * 7))
    score = score_of(dataclasses.replace(job, tracks=(human, job.tracks[1])), 12)
    assert score.tracks[0].bars[0].notes == []
    assert [(n.pitch, n.onset_ticks) for n in score.tracks[0].bars[1].notes] == [(99, 0)]


def test_D19_microtiming_survives_at_a_fine_resolution() -> None:
    job = job_at(4)
    early = BarNote(99, 80, 0.2604, 0.25)  # 12.5 steps of 48
    human = dataclasses.replace(job.tracks[0], bars=((early,), *[()] * 7))
    score = score_of(dataclasses.replace(job, tracks=(human, job.tracks[1])), 1920)
    assert score.tracks[0].bars[0].notes[0].onset_ticks == 2000


def test_D23_the_agents_own_temperature_and_range() -> None:
    job = dataclasses.replace(
        job_at(4, temperature=1.5), track_values={"temperature": 0.5, "min_pitch": 40}
    )
    request = request_of(job)
    assert request.config.temperature == 0.5
    assert request.tracks[1].controls == {"pitch_mask": {"pitches": list(range(40, 128))}}
    assert request_of(job_at(4, temperature=1.5)).config.temperature == 1.5


def test_density_is_held_unless_a_client_does_not_want_it() -> None:
    assert request_of(job_at(4)).config.hold_density is True
    assert request_of(job_at(4, hold_density=False)).config.hold_density is False
    assert request_of(job_at(4, follow_kick=0.5)).config.follow_kick == 0.5


def test_D25_bar_attributes_go_to_every_bar_written() -> None:
    job = dataclasses.replace(job_at(6, ended=5), attributes={"tension": 3, "max_polyphony": 2})
    agent = request_of(job, frozenset({"tension"})).tracks[1]
    assert agent.attributes == {"max_polyphony": 2}
    assert agent.bar_attributes == {6: {"tension": 3}, 7: {"tension": 3}}


def test_D46_seeds_differ_from_bar_to_bar_and_repeat_from_run_to_run() -> None:
    seeds = [bar_seed(5, bar) for bar in range(1000)]
    assert len({seed + attempt for seed in seeds for attempt in range(10)}) == 10_000
    assert seeds == [bar_seed(5, bar) for bar in range(1000)]
    assert all(0 <= bar_seed(2**31 - 1, bar) < 2**31 for bar in range(1000))
    assert bar_seed(-1, 7) < 0
