"""The bundled SoundFont and the script that trims it."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "soundfonts"
_spec = importlib.util.spec_from_file_location("trim", FOLDER / "trim.py")
assert _spec and _spec.loader
trim = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(trim)


@pytest.fixture(scope="module")
def bank() -> bytes:
    return (FOLDER / "FluidR3Mono_GM.sf3").read_bytes()


def presets(bank: bytes) -> set[tuple[int, int]]:
    """(bank, program) of all, read by hand."""
    begin = bank.index(b"phdr", len(bank) - 200_000)
    (length,) = struct.unpack_from("<I", bank, begin + 4)
    rows = [struct.unpack_from("<20sHH", bank, begin + 8 + at) for at in range(0, length - 38, 38)]
    return {(number, program) for _, program, number in rows}


def test_the_bank_has_every_program_and_the_kits(bank: bytes):
    kits = {0, 8, 16, 24, 25, 32, 40, 48}
    assert presets(bank) == {(0, n) for n in range(128)} | {(128, n) for n in kits}


def test_it_is_what_the_script_makes(bank: bytes):
    assert trim.trim(bank, trim.is_bundled) == bank


def test_a_bank_of_one_piano_sounds_as_the_piano_of_the_whole(bank: bytes, tmp_path: Path):
    tinysoundfont = pytest.importorskip("tinysoundfont")
    piano = trim.trim(bank, lambda number, program: (number, program) == (0, 0))
    assert presets(piano) == {(0, 0)} and len(piano) < len(bank) / 10
    sounds = []
    for name, data in (("whole", bank), ("piano", piano)):
        (tmp_path / name).write_bytes(data)
        synth = tinysoundfont.Synth(samplerate=22_050)
        synth.program_select(0, synth.sfload(str(tmp_path / name)), 0, 0)
        for pitch in (36, 60, 96):
            synth.noteon(0, pitch, 100)
        sounds.append(np.frombuffer(synth.generate(8192), dtype=np.float32))
    assert np.abs(sounds[0]).max() > 0.01
    assert np.allclose(*sounds, rtol=0, atol=1e-6)


def test_what_is_no_bank_is_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "song.mid").write_bytes(b"MThd" + bytes(40))
    assert trim.main([str(tmp_path / "song.mid"), str(tmp_path / "out.sf3")]) == 1
    assert "no SoundFont" in capsys.readouterr().err
    assert not (tmp_path / "out.sf3").exists()
