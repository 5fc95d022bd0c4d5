"""A server process that can be killed, and come back to the same port and journal."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

START_SECONDS = 60


class ServerProcess:
    """``midigpt-server`` with some checkpoint; its journal is in ``data``."""

    def __init__(self, checkpoint: Path, data: Path, largest_file: int | None = None) -> None:
        self._command = [sys.executable, "-m", "midigpt_server.commands.serve", "--no-tcp"]
        self._command += ["--ckpt", str(checkpoint)]
        self._environment = {**os.environ, "MIDIGPT_DATA": str(data)}
        self._largest_file = largest_file
        self.log: list[str] = []
        self.port = 0
        self.start()

    def start(self, flags: Sequence[str] = ()) -> None:
        """Returns when it listens; after the first time on the same port."""
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port), *flags],
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            preexec_fn=self._limit,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            if "listens on" in line:
                self.port = int(line.partition("127.0.0.1:")[2].partition(",")[0])
                return
        raise AssertionError("".join(self.log))

    def kill(self) -> None:
        """As a crash does it."""
        self._process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        """As Ctrl-C does it."""
        self._process.send_signal(signal.SIGINT)
        self._end()

    def _end(self) -> None:
        assert self._process.stderr is not None
        self.log += self._process.stderr.readlines()
        self._process.wait(timeout=30)
        self._process.stderr.close()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()

    def _limit(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._largest_file, self._largest_file))
