"""MIDI-GPT 0.4.2 in a subprocess."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.parity.case import END, Piece

VARIABLE = "MIDIGPT_ORACLE_PYTHON"
ROOT = Path(__file__).parents[2]


class OracleCrash(Exception):
    """The oracle's process ended in the middle of a piece."""


class Oracle:
    """One process, started when first asked and again after a crash."""

    def __init__(self) -> None:
        self._python = os.environ.get(VARIABLE, "")
        if not self._python:
            raise SystemExit(
                f'{VARIABLE} is not set: the path of a Python with "midigpt[inference]==0.4.2"'
            )
        self._process: subprocess.Popen[str] | None = None

    def ask(self, comparison: str, piece: Piece) -> Iterator[str]:
        """The texts of the cases of a piece, as they come."""
        process = self._started()
        assert process.stdin and process.stdout
        request = {
            "comparison": comparison,
            "name": piece.name,
            "midi": base64.b64encode(piece.midi).decode(),
            "stride": piece.stride,
        }
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            if line.rstrip("\n") == END:
                return
            yield line.rstrip("\n")
        self._process = None
        raise OracleCrash(f"exit code {process.wait()}")

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, "-m", "tests.parity.worker"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process
