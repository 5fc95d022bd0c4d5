"""Events against the vectors of the reference, and against the rule restated with mido."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midigpt import _native, events
from midigpt.smf import MidiError

mido = pytest.importorskip("mido")

from events_by_mido import by_mido  # noqa: E402

DATA = Path(__file__).parents[1] / "data"
VECTORS = json.loads((DATA / "golden" / "events.json").read_text())
IDS = VECTORS["ids"]
PIECE, GAPS = VECTORS["A"], VECTORS["B"]
EDGES = {case["what"]: case for case in VECTORS["conversion_edge_cases"]}


def rows(ids: list[int], offset: int = 0) -> np.ndarray:
    """Events of ids, by the table of offsets alone."""
    return np.array(ids, dtype=np.int32).reshape(-1, 3) - [0, 10000, 11000] - offset


def test_the_table_of_ids():
    assert IDS["time"] == [0, events.TIMES - 1]
    assert IDS["duration"] == [events.DURATION_OFFSET, events.NOTE_OFFSET - 1]
    assert IDS["note"] == [events.NOTE_OFFSET, events.REST - 1]
    assert (IDS["rest"], IDS["control_offset"]) == (events.REST, events.CONTROL_OFFSET)
    assert IDS["control_note"][1] + 1 == IDS["separator"] == events.SEPARATOR
    assert (IDS["autoregress"], IDS["anticipate"]) == (events.AUTOREGRESS, events.ANTICIPATE)
    assert IDS["amt_vocab"] == events.VOCABULARY


@pytest.mark.parametrize("first, last", [IDS["time"], IDS["control_time"]])
def test_each_end_of_each_range(first, last):
    """One step outside a range makes a triple malformed, or another slot's or block's."""
    offset = first
    good = [[t, d, n] for t in (first, last) for d in (10000, 10999) for n in (11000, 27511)]
    good = [[t, d + offset, n + offset] for t, d, n in good]
    assert events.from_ids(np.ravel(good)).malformed == 0
    d, n = 10000 + offset, 11000 + offset
    for bad in ([first - 1, d, n], [last + 1, d, n], [first, d - 1, n], [first, n, n]):
        assert events.from_ids(bad).malformed == 1, bad
    for bad in ([first, d, n - 1], [first, d, 28512 + offset], [first, d, 55025]):
        assert events.from_ids(bad).malformed == 1, bad


def test_a_midi_file_becomes_the_reference_ids():
    data = base64.b64decode(PIECE["midi_base64"])
    compound = np.array(PIECE["compound"]).reshape(-1, 5)
    found = events.from_midi(data)
    assert found[:, 0].tolist() == compound[:, 0].tolist()
    assert found[:, 1].tolist() == compound[:, 1].tolist()
    assert (found[:, 2] % 128).tolist() == compound[:, 2].tolist()
    assert (found[:, 2] // 128).tolist() == compound[:, 3].tolist()
    ids = events.to_ids(found)
    assert ids.tolist() == PIECE["events"]
    assert (ids + IDS["llama_vocab"]).tolist() == PIECE["midi_llm_ids"]
    assert events.from_ids(ids).notes.tolist() == found.tolist()


def messages(data: bytes) -> list[list[list]]:
    def fields(m):
        if m.type == "program_change":
            return [m.type, m.channel, m.program, m.time]
        return [m.type, m.channel, m.note, m.velocity, m.time]

    file = mido.MidiFile(file=io.BytesIO(data))
    assert (file.type, file.ticks_per_beat) == (1, 50)
    return [[fields(m) for m in track if not m.is_meta] for track in file.tracks]


def test_the_reference_midi_file_message_by_message():
    written = events.to_midi(rows(PIECE["events"]), ons_first=True)
    assert messages(written.data) == PIECE["events_to_midi"]["tracks"]


def test_releases_come_first_unless_the_reference_order_is_wanted():
    theirs = PIECE["events_to_midi"]["tracks"]
    ours = messages(events.to_midi(rows(PIECE["events"])).data)
    assert ours != theirs
    at_100 = [m for m in ours[0] if m[2] in (60, 64, 67)]
    assert [m[:3] for m in at_100[2:5]] == [
        ["note_off", 0, 60],
        ["note_off", 0, 64],
        ["note_on", 0, 67],
    ]


def test_the_bass_as_anticipated_control():
    bass = PIECE["bass_as_control"]
    everything = rows(PIECE["events"])
    is_bass = everything[:, 2] // 128 == 33
    assert events.to_ids(everything[is_bass], as_controls=True).tolist() == bass["controls"]
    padded = events.pad(everything[~is_bass])
    assert events.to_ids(padded).tolist() == bass["padded_events"]
    woven, left = events.weave(padded, everything[is_bass])
    assert (woven.tolist(), left) == (bass["interleaved"], 0)
    events.validate(woven)


def test_rests_and_interleaving():
    padded = events.pad(rows(GAPS["events"]), GAPS["padded_to"])
    assert events.to_ids(padded).tolist() == GAPS["padded"]
    controls = rows(GAPS["controls"], IDS["control_offset"])
    woven, left = events.weave(padded, controls)
    assert (woven.tolist(), left) == (GAPS["interleaved"], 0)
    late = np.vstack([controls, [[1600, 10, 128 * 33 + 40]]])
    assert events.weave(padded, late)[1] == 1


@pytest.mark.parametrize(
    "case", VECTORS["channel_assignment"], ids=lambda c: c["instruments_in_order"]
)
def test_channels(case):
    instruments = {
        "15 melodic": [*range(15)],
        "drums, then 14 melodic": [128, *range(14)],
        "15 melodic, then drums": [*range(15), 128],
        "8 melodic, drums, 3 melodic": [*range(8), 128, *range(8, 11)],
        "16 melodic": [*range(16)],
        "drums, then 15 melodic": [128, *range(15)],
    }[case["instruments_in_order"]]
    piece = np.array([[k, 5, 128 * i + 60] for k, i in enumerate(instruments)], dtype=np.int32)
    written = events.to_midi(piece)
    used = [track[0][1] for track in messages(written.data)]
    if "channels" in case:
        assert (used, written.dropped) == (case["channels"], 0)
    else:  # the reference fails
        assert len(set(used)) == len(used) >= 15
        assert written.dropped == len(instruments) - len(used)


def test_edge_cases_of_conversion():
    long = mido.MidiTrack()
    long += [
        mido.Message("note_on", note=60, velocity=80, time=0),
        mido.Message("note_off", note=60, time=15 * 960),
        mido.Message("note_on", note=62, velocity=80, time=100 * 960),
    ]
    expected = EDGES["note 15 s long, then an unclosed note at 115 s"]["events"]
    found = events.from_midi(midi_bytes(long))
    assert np.ravel(found + np.array([0, 10000, 11000])).tolist() == expected
    with pytest.raises(ValueError, match="event 1: time is 11500"):
        events.to_ids(found)
    assert events.to_ids(events.window(found, 11000)).tolist() == [500, 10025, 11062]

    changing = mido.MidiTrack()
    changing += [
        mido.Message("program_change", program=5),
        mido.Message("note_on", note=60, velocity=80),
        mido.Message("program_change", program=6, time=480),
        mido.Message("note_off", note=60, time=480),
    ]
    expected = EDGES["program change from 5 to 6 during a held note"]["events"]
    assert events.to_ids(events.from_midi(midi_bytes(changing))).tolist() == expected

    nested = EDGES["round trip of nested notes of one pitch"]
    again = events.from_midi(events.to_midi(rows(nested["before"])).data)
    assert events.to_ids(again).tolist() == nested["after"]

    joined = EDGES["two parts joined by a boundary triple"]
    parsed = events.from_ids(joined["before"])
    assert parsed.notes[:, 0].tolist() == joined["onsets_ticks"]


def midi_bytes(*tracks) -> bytes:
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.extend(tracks)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


@st.composite
def random_files(draw) -> bytes:
    """Tracks of notes, programs, tempos and controllers, on shared channels."""
    channel = st.sampled_from([0, 1, 9])
    deltas = st.sampled_from([0, 0, 1, 7, 48, 120, 160, 480, 1000])
    kinds = st.one_of(
        st.builds(
            lambda c, n, v, t: mido.Message("note_on", channel=c, note=n, velocity=v, time=t),
            channel,
            st.integers(58, 61),
            st.sampled_from([0, 0, 64, 127]),
            deltas,
        ),
        st.builds(
            lambda c, n, t: mido.Message("note_off", channel=c, note=n, time=t),
            channel,
            st.integers(58, 61),
            deltas,
        ),
        st.builds(
            lambda c, p, t: mido.Message("program_change", channel=c, program=p, time=t),
            channel,
            st.integers(0, 2),
            deltas,
        ),
        st.builds(
            lambda t, d: mido.MetaMessage("set_tempo", tempo=t, time=d),
            st.sampled_from([250_000, 487_804, 500_000, 1_000_000]),
            deltas,
        ),
        st.builds(lambda t: mido.Message("control_change", control=64, value=127, time=t), deltas),
    )
    tracks = draw(st.lists(st.lists(kinds, max_size=30), min_size=1, max_size=3))
    return midi_bytes(*(mido.MidiTrack(track) for track in tracks))


@given(random_files())
def test_random_files_as_the_rule_restated(data):
    assert events.from_midi(data).tolist() == by_mido(data)


@pytest.mark.parametrize("file", sorted((DATA / "midi").glob("*.mid")), ids=lambda f: f.stem)
def test_real_files_as_the_rule_restated(file):
    found = events.from_midi(file.read_bytes())
    assert len(found) > 100
    assert found.tolist() == by_mido(file.read_bytes())


def test_bad_files_and_bad_values_are_one_line_errors():
    with pytest.raises(MidiError, match="not a MIDI file"):
        events.from_midi(b"RIFF")
    assert events.from_midi(midi_bytes(mido.MidiTrack())).shape == (0, 3)
    with pytest.raises(ValueError, match="shape"):
        events.to_midi(np.zeros((2, 2), dtype=np.int32))
    with pytest.raises(ValueError, match="velocity is 0"):
        events.to_midi(rows(PIECE["events"]), velocity=0)
    with pytest.raises(ValueError, match="length is 10001"):
        events.window(rows(PIECE["events"]), length=10001)


def test_validation_names_the_first_bad_triple():
    events.validate(PIECE["events"])
    events.validate(GAPS["interleaved"])
    with pytest.raises(ValueError, match=r"triple 1 \(27513 10100 11064\) is neither"):
        events.validate([0, 10100, 11060, 27513, 10100, 11064])
    with pytest.raises(ValueError, match=r"triple 1 .* earlier"):
        events.validate([9, 10100, 11060, 8, 10100, 11064])


def test_sixty_four_events_at_once_are_the_most():
    chord = [0, 10010, 11060] * 64
    assert events.most_at_once(chord) == events.MOST_AT_ONCE
    assert events.most_at_once([*chord, 0, 10010, 11060]) == events.MOST_AT_ONCE + 1
    assert events.most_at_once([]) == 0


class TestSampler:
    LOGITS = np.log(np.array([0.5, 0.2, 0.1, 0.1, 0.06, 0.04], dtype=np.float32))

    def counts(self, ranges, draws=6000, **rules):
        sampler = _native.SliceSampler(seed=5, **{"temperature": 1.0, **rules})
        drawn = [sampler.draw(self.LOGITS, ranges) for _ in range(draws)]
        return np.bincount(drawn, minlength=6) / draws

    def test_only_the_ranges_are_drawn_in_proportion(self):
        assert self.counts([(1, 3), (4, 5)]) == pytest.approx(
            np.array([0, 0.2, 0.1, 0, 0.06, 0]) / 0.36, abs=0.03
        )

    def test_top_p_counts_within_the_ranges(self):
        # Of 0.2, 0.1, 0.1, 0.06, 0.04 the first three reach 0.8 of the whole; ties by id.
        found = self.counts([(1, 6)], top_p=0.79)
        assert found == pytest.approx(np.array([0, 0.5, 0.25, 0.25, 0, 0]), abs=0.03)

    def test_top_k_and_temperature(self):
        assert self.counts([(0, 6)], top_k=2) == pytest.approx(
            np.array([5, 2, 0, 0, 0, 0]) / 7, abs=0.03
        )
        hot = np.sqrt([0.5, 0.2, 0.1, 0.1, 0.06, 0.04])
        assert self.counts([(0, 6)], temperature=2.0) == pytest.approx(hot / hot.sum(), abs=0.03)
        assert self.counts([(1, 6)], 5, temperature=0.0)[1] == 1

    def test_nothing_to_draw_and_bad_values(self):
        sampler = _native.SliceSampler(temperature=1.0, seed=0)
        assert sampler.draw(self.LOGITS, []) == -1
        with pytest.raises(ValueError, match="exceeds the 6 logits"):
            sampler.draw(self.LOGITS, [(0, 7)])
        with pytest.raises(ValueError, match="top_p is 0"):
            _native.SliceSampler(temperature=1.0, top_p=0.0, seed=0)
