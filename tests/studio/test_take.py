"""MIDI files to takes and back: nothing is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from symusic import Note, Score, Tempo, TimeSignature, Track

from midigpt.smf import MidiError
from midigpt_studio.take import BadTakeError, read_take, write_take

MIDI = sorted((Path(__file__).parents[1] / "data" / "midi").glob("*.mid"))


def a_song() -> Score:
    """Two meters, three tempos (one inside a bar), a named drum track and a pick-up rest."""
    song = Score(480)
    song.tempos.append(Tempo(0, 120))
    song.tempos.append(Tempo(1920, 90))
    song.tempos.append(Tempo(1920 + 720, 140))
    song.time_signatures.append(TimeSignature(0, 4, 4))
    song.time_signatures.append(TimeSignature(1920, 3, 4))
    lead = Track("Lead", 73, False)
    for i in range(23):
        lead.notes.append(Note(240 * i + 7, 200 + 150 * (i % 4), 60 + i, 50 + i))
    kit = Track("Kit", 0, True)
    for i in range(32):
        kit.notes.append(Note(160 * i, 40, 36 + 2 * (i % 3), 100))
    song.tracks.append(lead)
    song.tracks.append(kit)
    return song


def notes_of(file: bytes) -> list[tuple[str, int, bool, list[tuple[int, int, int, int]]]]:
    return [
        (
            track.name,
            track.program,
            track.is_drum,
            sorted((n.time, n.duration, n.pitch, n.velocity) for n in track.notes),
        )
        for track in Score.from_midi(file).tracks
    ]


def test_a_file_comes_back_note_for_note():
    data = a_song().dumps_midi()
    take = read_take(data)
    assert take["meters"] == [[4, 4], [3, 4], [3, 4], [3, 4]]
    assert [bpm for _, bpm in take["tempos"]] == pytest.approx([120, 90, 140], abs=1e-3)
    assert take["tempos"][1][0] == 1.0 and take["tempos"][2][0] == 1.5
    written = write_take(json.loads(json.dumps(take)))
    assert notes_of(written) == notes_of(data)
    before, after = Score.from_midi(data), Score.from_midi(written)
    assert [(t.time, t.mspq) for t in after.tempos] == [(t.time, t.mspq) for t in before.tempos]
    assert [(s.time, s.numerator, s.denominator) for s in after.time_signatures] == [
        (s.time, s.numerator, s.denominator) for s in before.time_signatures
    ]


@pytest.mark.parametrize("path", MIDI, ids=lambda path: path.stem)
def test_real_files_come_back_note_for_note(path: Path):
    take = read_take(path.read_bytes())
    again = read_take(write_take(take))
    assert again["meters"] == take["meters"]
    assert again["tempos"] == [pytest.approx(tempo) for tempo in take["tempos"]]
    sounding = [track for track in take["tracks"] if any(track["bars"])]
    assert len(again["tracks"]) == len(sounding) > 0
    for before, after in zip(sounding, again["tracks"], strict=True):
        assert (after["instrument"], after["is_drum"]) == (before["instrument"], before["is_drum"])
        assert [sorted(bar) for bar in after["bars"]] == [sorted(bar) for bar in before["bars"]]


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFF" + bytes(40), bytes(1000)])
def test_what_is_no_midi_file_is_refused(data: bytes):
    with pytest.raises(MidiError):
        read_take(data)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"meters": [[4, 3]]}, "denominator"),
        ({"meters": [[0, 4]]}, "numerator"),
        ({"tempos": [[0, 0]]}, "tempo"),
        ({"resolution": 0}, "resolution"),
        ({"tracks": [{"instrument": 128, "is_drum": False, "bars": []}]}, "instrument"),
        ({"tracks": [{"instrument": 0, "is_drum": False, "bars": [[[200, 1, 0, 1]]]}]}, "pitch"),
        ({"tracks": [{"instrument": 0, "is_drum": False, "bars": [[[60, 0, 0, 1]]]}]}, "velocity"),
        ({"tracks": [{"instrument": 0, "is_drum": False, "bars": [[[60, 9, 0]]]}]}, "not a take"),
        ({"meters": None}, "not a take"),
    ],
)
def test_bad_takes_are_refused_with_the_name_of_what_is_wrong(change: dict, named: str):
    take = {"meters": [[4, 4]], "tempos": [[0, 120]], "tracks": []}
    write_take(take)
    with pytest.raises(BadTakeError, match=named):
        write_take({**take, **change})


@pytest.mark.parametrize("junk", [None, 3, "take", [], {}])
def test_junk_is_no_take(junk: object):
    with pytest.raises(BadTakeError):
        write_take(junk)
