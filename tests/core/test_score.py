"""The score model: dictionaries and resolutions."""

import pytest

from midigpt import Bar, Note, Score, Track


def test_beat_lengths_follow_from_the_time_signature():
    """Defect tag D14: in MIDI-GPT 0.4.2 every bar read back is four quarters long."""
    bars = [Bar([Note(60, 90, 0, 240)], 3, 4, 3.0), Bar([], 7, 8, 3.5), Bar([], 4, 4, 4.0)]
    score = Score([Track(bars, 25, "melodic")], 480, 400_000)
    again = Score.from_dict(score.to_dict())
    assert again == score
    assert [bar.beat_length for bar in again.tracks[0].bars] == [3.0, 3.5, 4.0]


def test_missing_keys_get_defaults():
    score = Score.from_dict({"tracks": [{"bars": [{"notes": [vars(Note(60, 90, 0, 1))]}]}]})
    assert score == Score([Track([Bar([Note(60, 90, 0, 1)])])])
    assert Score.from_dict({}) == Score()


def test_resampling_rounds_half_to_even_and_keeps_notes_sounding():
    notes = [Note(60, 90, 3, 1), Note(62, 90, 5, 7), Note(64, 90, 6, 0)]
    score = Score([Track([Bar(notes)])], 480)
    half = score.resample(240).tracks[0].bars[0].notes
    assert [(n.onset_ticks, n.duration_ticks) for n in half] == [(2, 1), (2, 4), (3, 1)]
    assert score.resample(480) is score
    assert notes[0].onset_ticks == 3


@pytest.mark.parametrize("resolution", [240, 960, 1920])
def test_resampling_keeps_the_time_of_microtiming(resolution):
    """Defect tag D27: MIDI-GPT 0.4.2 copies delta, whose unit is 1/resolution of a tick."""
    score = Score([Track([Bar([Note(60, 90, 100, 240, delta=192)])])], 480)
    (note,) = score.resample(resolution).tracks[0].bars[0].notes
    seconds = [(100 + 192 / 480) / 480, (note.onset_ticks + note.delta / resolution) / resolution]
    assert seconds[0] == pytest.approx(seconds[1], abs=1 / resolution**2)
