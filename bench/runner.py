"""Runs workers of ours and of the peers, each in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.shapes import LLAMA, checkpoint

ROOT = Path(__file__).parents[1]
WORKERS = ROOT / "bench" / "workers"
Result = dict[str, Any]


class Runner:
    """``peers`` is a folder as bench/README.md describes; what it lacks does not take part."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.peers: Path = options.peers

    def midigpt(self, program: str) -> Path | None:
        """A program of MIDI-GPT 0.4.2."""
        return _existing(self.peers / "midigpt" / "bin" / program)

    @property
    def tools(self) -> Path | None:
        """Python with CTranslate2, transformers and gguf."""
        return _existing(self.peers / "tools" / "bin" / "python")

    @property
    def llama_time(self) -> Path | None:
        """``bench/workers/llama_cpp.cpp``, compiled."""
        return _existing(self.peers / "llama-time")

    def run(self, worker: str, *arguments: object, python: object = sys.executable) -> Result:
        """The last line that a worker prints."""
        command = [str(python), str(WORKERS / f"{worker}.py"), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)} if python == sys.executable else None
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        result: Result = json.loads(done.stdout.splitlines()[-1])
        return result

    def ours(
        self, shape: str, weights: str = "int8", batch: int = 1, threads: int = 0, rows: str = "all"
    ) -> Result:
        o = self.options
        return self.run(
            "native",
            checkpoint(shape, o.folder),
            o.prompt,
            o.tokens,
            threads or o.threads,
            batch,
            weights,
            rows,
        )

    def peer(self, worker: str, shape: str, python: object, *more: object) -> Result:
        o = self.options
        path = checkpoint(shape, o.folder)
        return self.run(worker, path, o.prompt, o.tokens, o.threads, *more, python=python)

    def is_llama(self, shape: str) -> bool:
        return shape in LLAMA


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
