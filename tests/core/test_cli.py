"""The midigpt command, as a user runs it."""

import json
import re
import subprocess
import sys

import golden
import pytest
from tiny_model import write_tiny_checkpoint

from midigpt import Bar, Note, Score, Track
from midigpt.cli import main


def midigpt(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "midigpt.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
    )


@pytest.fixture
def failure(capsys):
    """Runs a wrong command in this process; gives the one line that it prints."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return only_line(code, printed.out, printed.err)

    return run


def only_line(code, out, err):
    assert code == 2, err
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 1
    assert "error:" in lines[0] and "Traceback" not in lines[0]
    return lines[0]


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Eight bars of a melody and a bass, as MIDI."""
    melody = [Bar([Note(60 + bar + k, 90, 480 * k, 240) for k in range(4)]) for bar in range(8)]
    bass = [Bar([Note(36 + bar, 100, 0, 960)]) for bar in range(8)]
    path = tmp_path_factory.mktemp("midi") / "song.mid"
    Score([Track(melody), Track(bass, instrument=33)]).to_midi(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors", "yellow")


def test_help_has_examples():
    for command in ("generate", "tokens", "models"):
        done = midigpt(command, "--help")
        assert done.returncode == 0
        assert f"midigpt {command}" in done.stdout.split("examples:")[1]
    assert "COMMAND --help" in midigpt("--help").stdout


EXTRAS = ("torch", "lightning", "pyarrow", "tokenizers", "transformers", "soundfile", "flask")


def test_every_command_explains_itself_without_the_extras():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS}))"
    code = f"{blocked}\nfrom midigpt.cli import main\nmain(sys.argv[1:])"
    listed = midigpt("--help").stdout.split("COMMAND\n")[1].splitlines()
    commands = [line.split()[0] for line in listed if re.match(" {4}[a-z]", line)]
    assert {"generate", "compose", "train", "finetune"} < set(commands)
    for command in commands:
        run = [sys.executable, "-c", code, command, "--help"]
        done = subprocess.run(run, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert f"midigpt {command}" in done.stdout


def test_tokens_are_those_of_the_reference(tmp_path):
    """The four bars of the worked example; its notes of 8 beats are long enough to add bars."""
    path = tmp_path / "tiny.mid"
    golden.score("tiny").to_midi(path)
    done = midigpt("tokens", path, "--bars", "0:4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    case = next(
        case
        for case in golden.cases("encode")
        if case["score"] == "tiny" and case["encoder"] == "yellow" and not case.get("options")
    )
    melody = case["ids"].index(4) + 1
    assert found["ids"][:melody] == case["ids"][:melody]
    assert found["names"][:2] == ["PieceStart=0", "NumBars=0"]
    assert found["bars"] == [0, 4]


def test_tokens_as_lines(song):
    done = midigpt("tokens", song, "--encoder", "ghost", "--bars", "4:8")
    lines = done.stdout.splitlines()
    labels = [line[:8].strip() for line in lines]
    assert labels[:7] == ["piece", "track 0", "bar 4", "bar 5", "bar 6", "bar 7", "track 1"]
    assert "Bar=0" in lines[2] and "TimeSig=0" in lines[2]
    assert lines[-1].endswith(" tokens")


def test_infill(song, model, tmp_path):
    out = tmp_path / "out.mid"
    arguments = ("--tracks", "0", "--bars", "1:3", "--model", model, "--seed", "1", "-o", out)
    done = midigpt("generate", song, *arguments)
    assert done.returncode == 0, done.stderr
    assert "2 bars" in done.stdout and "seed 1" in done.stdout
    before, after = Score.from_midi(song), Score.from_midi(out)
    assert len(after.tracks[0].bars) == len(before.tracks[0].bars)
    assert [n.pitch for n in after.tracks[0].bars[0].notes] == [
        n.pitch for n in before.tracks[0].bars[0].notes
    ]
    assert after.tracks[0].bars[1].notes != before.tracks[0].bars[1].notes
    again = tmp_path / "again.mid"
    midigpt("generate", song, *arguments[:-1], again, "--quiet")
    assert again.read_bytes() == out.read_bytes()


def test_continue(song, model, tmp_path):
    out = tmp_path / "out.mid"
    done = midigpt(
        "generate", song, "--tracks", "all", "--continue", "3", "--model", model, "-o", out
    )
    assert done.returncode == 0, done.stderr
    after = Score.from_midi(out)
    for track in after.tracks:
        assert all(bar.notes for bar in track.bars[8:11])


def test_models():
    done = midigpt("models")
    assert done.returncode == 0, done.stderr
    assert "encoders: expressive, ghost, prism, yellow" in done.stdout
    assert isinstance(json.loads(midigpt("models", "--json").stdout), list)


def test_an_error_leaves_with_code_2_and_without_a_traceback(tmp_path):
    done = midigpt("tokens", tmp_path / "no_such_file.mid")
    assert "no_such_file" in only_line(done.returncode, done.stdout, done.stderr)


def test_errors_are_one_line(song, model, tmp_path, failure):
    out = tmp_path / "out.mid"
    assert "expressive, ghost, prism, yellow" in failure("tokens", song, "--encoder", "blue")
    assert "0:8" in failure("tokens", song, "--bars", "4:12")
    assert "FIRST:END" in failure("tokens", song, "--bars", "four")
    assert "COMMAND" in failure()
    assert "play" in failure("play")
    generate = ("generate", song, "--model", model, "-o", out)
    assert "--tracks" in failure(*generate, "--bars", "0:1")
    assert "0..1" in failure(*generate, "--tracks", "7", "--bars", "0:1")
    assert "--continue" in failure(*generate, "--tracks", "0")
    assert "temperature" in failure(
        *generate, "--tracks", "0", "--bars", "0:1", "--temperature", "0"
    )
    assert "last" in failure(*generate, "--tracks", "0", "--bars", "0:1", "--left-to-right")
    assert "nowhere" in failure(
        "generate", song, "--tracks", "0", "--bars", "0:1", "-o", tmp_path / "nowhere" / "x.mid"
    )
    assert "missing.safetensors" in failure(
        "generate",
        song,
        "--tracks",
        "0",
        "--bars",
        "0:1",
        "--model",
        "missing.safetensors",
        "-o",
        out,
    )
    assert not out.exists()
    junk = tmp_path / "junk.mid"
    junk.write_bytes(b"not a MIDI file")
    failure("tokens", junk)
    silent = tmp_path / "silent.mid"
    Score([Track([Bar()])]).to_midi(silent)
    assert "no tracks" in failure("generate", silent, "--tracks", "0", "--bars", "0:1", "-o", out)


def test_a_piece_in_an_unknown_meter(tmp_path, failure):
    path = tmp_path / "odd.mid"
    bars = [Bar([Note(60, 90, 0, 60)], 5, 32, 5 / 8) for _ in range(8)]
    Score([Track(bars)]).to_midi(path)
    assert "5/32" in failure("tokens", path)
