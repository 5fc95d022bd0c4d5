"""The names of MIDI-GPT 0.4.2 in ``midigpt._core``."""

from golden import cases, read_score

from midigpt import _core
from midigpt._converters import from_cpp, to_cpp


def test_midi_goes_through_the_flat_score():
    case = cases("midi_read")[0]
    data = list(bytes.fromhex(case["midi_hex"]))
    flat = _core.MidiReader(case["resolution"]).read_bytes(data)
    assert from_cpp(flat) == read_score(case["score"])
    again = _core.MidiReader(case["resolution"]).read_bytes(_core.MidiWriter().write_bytes(flat))
    assert from_cpp(again).tracks[0] == from_cpp(flat).tracks[0]


def test_midi_files(tmp_path):
    score = to_cpp(read_score(cases("midi_read")[0]["score"]))
    _core.MidiWriter().write(score, str(tmp_path / "a.mid"))
    assert from_cpp(_core.MidiReader().read(str(tmp_path / "a.mid"))).tracks


def test_boolean_enum():
    assert [(e.name, e.value) for e in _core.BooleanEnum] == [("Any", 0), ("False", 1), ("True", 2)]


def test_fields_of_the_flat_score():
    flat = to_cpp(read_score(cases("scores")[0]["score"]))
    bar = flat.tracks[0].bars[0]
    assert bar.has_notes
    assert [flat.notes[i].pitch for i in bar.note_indices] == [60, 64, 67]
    assert flat.tracks[1].type == _core.TrackType.Drum


def test_the_checkpoint_reader_has_its_old_home():
    from midigpt.inference import model
    from midigpt.tokenizer import CheckpointBundle, load_checkpoint

    assert load_checkpoint is model.load_checkpoint
    assert CheckpointBundle is model.CheckpointBundle
