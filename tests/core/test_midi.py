"""Standard MIDI Files: golden readings, hazards, round trips."""

import random
import struct

import golden
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midigpt import Bar, Note, Score, Track, midi
from midigpt.midi import MidiError

CASES = golden.cases("midi_read")


def header(tracks: int = 1, division: int = 480, kind: int = 1, length: int = 6) -> bytes:
    return b"MThd" + struct.pack(">IHHH", length, kind, tracks, division)


def variable_length(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def mtrk(*events: tuple[int, bytes], end: bytes = b"\x00\xff\x2f\x00") -> bytes:
    body = b"".join(variable_length(delta) + event for delta, event in events) + end
    return b"MTrk" + struct.pack(">I", len(body)) + body


def on(pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def program(number: int, channel: int = 0) -> bytes:
    return bytes([0xC0 | channel, number])


def time_signature(numerator: int, exponent: int) -> bytes:
    return bytes([0xFF, 0x58, 4, numerator, exponent, 24, 8])


NOTE = ((0, on(60)), (100, off(60)))
SONG = header() + mtrk(*NOTE)


def rows(score: Score) -> list[list[tuple[int, ...]]]:
    return [[tuple(vars(n).values()) for bar in t.bars for n in bar.notes] for t in score.tracks]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_reads_as_midigpt_0_4_2(case):
    read = midi.read_bytes(bytes.fromhex(case["midi_hex"]), case["resolution"])
    assert read == golden.read_score(case["score"])


MALFORMED = {
    "empty": b"",
    "no header": b"RIFF" + SONG,
    "SMPTE division": header(division=0xE728) + mtrk(*NOTE),
    "format 3": header(kind=3) + mtrk(*NOTE),
    "long header": header(length=8) + b"\0\0" + mtrk(*NOTE),
    "cut chunk": SONG[:-3],
    "cut chunk header": header(2) + mtrk(*NOTE) + b"MTr",
    "no track chunk": header() + b"MTxk" + mtrk(*NOTE)[4:],
    "huge unknown chunk": header() + b"XFIH\xff\xff\xff\xff" + mtrk(*NOTE),
    "pitch above 127": header() + mtrk((0, b"\x90\xbc\x40")),
    "velocity above 127": header() + mtrk((0, b"\x90\x3c\xc0")),
    "program above 127": header() + mtrk((0, b"\xc0\xc0")),
    "delta time of 5 bytes": header() + mtrk((0, on(60)), end=b"\x81\x80\x80\x80\x00\x80\x3c\0"),
    "event past the chunk": header() + mtrk((0, on(60)), end=b"\x05\x80"),
    "delta time past the chunk": header() + mtrk((0, on(60)), end=b"\x85"),
    "meta event past the chunk": header() + mtrk(end=b"\0\xff\x01\x55"),
    "system exclusive past the chunk": header() + mtrk(end=b"\0\xf0\x7f\x01"),
    "no running status": header() + mtrk((0, b"\x3c\x40")),
    "running status after system exclusive": header()
    + mtrk((0, on(60)), (0, b"\xf0\x01\xf7"), (0, b"\x3c\x00")),
    "undefined status": header() + mtrk((0, b"\xf4")),
    "tempo of 2 bytes": header() + mtrk((0, b"\xff\x51\x02\x07\xa1")),
    "time signature of 1 byte": header() + mtrk((0, b"\xff\x58\x01\x04")),
    "denominator 2^8": header() + mtrk((0, time_signature(4, 8)), *NOTE),
    "denominator 2^32": header() + mtrk((0, time_signature(4, 32)), *NOTE),
    "numerator 0 only": header() + mtrk((0, time_signature(0, 2)), *NOTE),
    "only bars of length 0": header(division=1) + mtrk((0, time_signature(1, 7)), *NOTE),
    "times beyond 31 bits": header() + mtrk(*NOTE, *[(0xFFFFFFF, on(60))] * 9),
    "a million bars in two tracks": header(2, division=1)
    + mtrk((0, time_signature(1, 2)), *((0xF000, on(60)), (0xF000, off(60))) * 5)
    + mtrk(*NOTE),
    "millions of bars": header(division=1) + mtrk((0, time_signature(1, 2)), (0xFFFFFFF, on(60)),
                                                  (1, off(60))),
}  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_file_is_one_clear_error(data):
    with pytest.raises(MidiError) as error:
        midi.read_bytes(data)
    assert "\n" not in str(error.value)


TOLERATED = {
    "format 0": header(kind=0) + mtrk(*NOTE),
    "format 2": header(kind=2) + mtrk(*NOTE),
    "division 0 counts as 480": header(division=0) + mtrk(*NOTE),
    "more tracks announced": header(3) + mtrk(*NOTE),
    "unknown chunk before the track": header() + b"XFIH\0\0\0\x03abc" + mtrk(*NOTE),
    "bytes after the last track": SONG + b"abc",
    "a track that was not announced": SONG + mtrk((0, on(70)), (5, off(70))),
    "no end of track": header() + mtrk(*NOTE, end=b""),
    "events after the end of track": header()
    + mtrk(*NOTE, end=b"\0\xff\x2f\0\0\x90\x46\x40\5\x80\x46\0"),
    "stray note-off": header() + mtrk((0, off(60)), *NOTE),
    "system exclusive": header() + mtrk((0, b"\xf0\x02\x01\xf7"), *NOTE),
    "running status across a meta event": header()
    + mtrk((0, on(60)), (50, b"\xff\x01\x01a"), (50, b"\x3c\x00")),
    "text that is not UTF-8": header() + mtrk((0, b"\xff\x03\x02\xe9\xff"), *NOTE),
    "empty lyric": header() + mtrk((0, b"\xff\x05\x00"), *NOTE),
    "key signature without bytes": header() + mtrk((0, b"\xff\x59\x00"), *NOTE),
    "time signature of 2 bytes": header() + mtrk((0, b"\xff\x58\x02\x04\x02"), *NOTE),
    "time signature with numerator 0": header()
    + mtrk((0, time_signature(0, 2)), (0, time_signature(4, 2)), *NOTE),
}


@pytest.mark.parametrize("data", TOLERATED.values(), ids=TOLERATED)
def test_tolerated_oddity_leaves_the_music_alone(data):
    score = midi.read_bytes(data)
    assert rows(score) == [[(60, 64, 0, 100, 0)]]
    assert (score.tracks[0].bars[0].ts_numerator, score.tracks[0].bars[0].beat_length) == (4, 4.0)


def test_velocity_0_alone_makes_no_track():
    assert midi.read_bytes(header() + mtrk((0, on(60, 0)), (4, on(60, 0)))).tracks == []


def test_no_track_announced_is_an_empty_score():
    assert midi.read_bytes(header(0)) == Score()


def test_notes_do_not_pair_across_track_chunks():
    score = midi.read_bytes(header(2) + mtrk((0, on(60))) + mtrk((10, off(60))))
    assert rows(score) == [[]]


def test_program_at_the_note_on_counts():
    events = [(0, on(60)), (3, program(5)), (0, on(60, 70)), (3, off(60)), (3, off(60))]
    score = midi.read_bytes(header() + mtrk(*events))
    assert [t.instrument for t in score.tracks] == [0, 5]
    assert rows(score) == [[(60, 64, 0, 6, 0)], [(60, 70, 3, 6, 0)]]


def test_note_order_is_the_order_of_note_ons():
    score = midi.read_bytes(header() + mtrk((0, on(64)), (0, on(60)), (3, off(60)), (3, off(64))))
    assert [note[0] for note in rows(score)[0]] == [64, 60]


def test_lyrics_make_empty_tracks_per_program_of_channel_15():
    lyric = b"\xff\x05\x02\xe9\xff"
    data = header() + mtrk((0, program(9, 15)), (0, lyric), (0, program(10, 15)), (0, lyric), *NOTE)
    assert [(t.instrument, t.track_type) for t in midi.read_bytes(data).tracks] == [
        (0, "melodic"), (9, "melodic"), (10, "melodic"),
    ]  # fmt: skip


def test_two_programs_on_the_drum_channel_are_two_drum_tracks():
    hit = ((0, on(36, 80, 9)), (4, off(36, 9)))
    data = header() + mtrk((0, program(8, 9)), *hit, (0, program(9, 9)), *hit)
    score = midi.read_bytes(data)
    assert [(t.instrument, t.track_type) for t in score.tracks] == [(8, "drum"), (9, "drum")]


def test_random_damage_never_gives_anything_but_a_midi_error():
    rng = random.Random(1)
    seeds = [SONG, *TOLERATED.values(), *(bytes.fromhex(c["midi_hex"]) for c in CASES)]
    for _ in range(3000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data))
            data[place : place + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 2)) or b"\xff"
        try:
            score = midi.read_bytes(bytes(data))
        except MidiError:
            continue
        assert all(0 <= note[0] <= 127 and note[3] >= 1 for track in rows(score) for note in track)


def test_read_names_the_file(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(b"hello")
    with pytest.raises(MidiError, match=r"song\.mid: not a MIDI file"):
        midi.read(path)
    with pytest.raises(OSError):
        midi.read(tmp_path / "absent.mid")


@pytest.mark.parametrize("resolution", [0, -1])
def test_resolution_below_1_is_refused(resolution):
    with pytest.raises(ValueError, match="resolution"):
        midi.read_bytes(SONG, resolution)


METRES = [(4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (2, 2)]


@st.composite
def scores(draw):
    """Scores that a MIDI file can hold: no two overlapping notes of one pitch in a track."""
    metres = draw(st.lists(st.sampled_from(METRES), min_size=1, max_size=4))
    tracks = []
    for instrument in draw(st.lists(st.integers(0, 127), min_size=1, max_size=4)):
        bars = []
        for numerator, denominator in metres:
            length = 480 * 4 * numerator // denominator
            chosen = draw(st.dictionaries(st.integers(0, 127), st.integers(1, 127), max_size=3))
            notes = []
            for pitch, velocity in sorted(chosen.items()):
                onset = draw(st.integers(0, length - 1))
                notes.append(Note(pitch, velocity, onset, draw(st.integers(1, length - onset))))
            notes.sort(key=lambda note: note.onset_ticks)
            bars.append(Bar(notes, numerator, denominator, 4.0 * numerator / denominator))
        bars[-1].notes = [Note(60, 90, 0, length)]  # so that the last bar is sounded to its end
        tracks.append(Track(bars, instrument, draw(st.sampled_from(["melodic", "drum"]))))
    return Score(tracks, tempo=draw(st.integers(1, 0xFFFFFF)))


@given(scores())
def test_what_is_written_is_read_back(score):
    assert midi.read_bytes(midi.write_bytes(score)) == score


def test_written_channels_leave_10_to_the_drums():
    def track(kind: str) -> Track:
        return Track([Bar([Note(60, 90, 0, 480)])], 0, kind)

    data = midi.write_bytes(Score([track("drum")] + [track("melodic")] * 16))
    channels = [chunk[chunk.index(b"\x3c\x5a") - 1] & 15 for chunk in data.split(b"MTrk")[1:]]
    assert channels == [9, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 0, 1]


def test_note_of_length_0_is_written_on_then_off():
    data = midi.write_bytes(Score([Track([Bar([Note(60, 90, 5, 0)])])]))
    assert rows(midi.read_bytes(data)) == [[(60, 90, 5, 1, 0)]]


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (Score(resolution=0), "resolution"),
        (Score(tempo=1 << 24), "tempo"),
        (Score([Track([Bar()], instrument=128)]), "instrument"),
        (Score([Track([Bar([Note(128, 90, 0, 10)])])]), "pitch"),
        (Score([Track([Bar([Note(60, -1, 0, 10)])])]), "velocity"),
        (Score([Track([Bar([Note(60, 90, -1, 10)])])]), "onset_ticks"),
        (Score([Track([Bar([Note(60, 90, 0, -1)])])]), "duration_ticks"),
        (Score([Track([Bar(ts_denominator=3)])]), "ts_denominator"),
        (Score([Track([Bar(ts_numerator=256)])]), "ts_numerator"),
    ],
)
def test_a_score_that_no_file_can_hold_is_refused(score, name):
    with pytest.raises(ValueError, match=rf"^{name} is "):
        midi.write_bytes(score)
