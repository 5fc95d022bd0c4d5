"""The comparisons as one nightly test.

It needs ``MIDIGPT_ORACLE_PYTHON`` and takes the music of ``MIDIGPT_PARITY_MUSIC`` (paths, separated
as in PATH) or else the phrase of the demo.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "server" / "midigpt_server" / "demo" / "battle_hymn.mid"


@pytest.mark.nightly
@pytest.mark.skipif("MIDIGPT_ORACLE_PYTHON" not in os.environ, reason="needs MIDI-GPT 0.4.2")
def test_nothing_differs_from_the_oracle():
    music = os.environ.get("MIDIGPT_PARITY_MUSIC", str(DEMO)).split(os.pathsep)
    command = [sys.executable, "-m", "tests.parity", "--files", "20", "--music", *music]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| ids, yellow, 4 bars, fill |" in run.stdout


@pytest.mark.nightly
def test_events_of_real_files_are_those_of_mido_and_survive_a_round_trip():
    music = os.environ.get("MIDIGPT_PARITY_MUSIC", str(DEMO)).split(os.pathsep)
    command = [sys.executable, "-m", "tests.parity.events", "--files", "300", "--music", *music]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "notes: " in run.stdout
