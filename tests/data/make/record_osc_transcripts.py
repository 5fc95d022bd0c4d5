"""Record what MIDI-GPT 0.4.2 answers to scripted clients: tests/server/transcripts/*.json.

Install the reference in an environment of its own and name its command:

    python -m venv reference && reference/bin/pip install "midigpt[inference]==0.4.2"
    python tests/data/make/record_osc_transcripts.py --server reference/bin/midigpt-server

Or play against a server that runs already (freshly started for each name): --host and --port.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path.insert(0, str(TESTS / "server"))

from osc_scripts import SCRIPTS, Script  # noqa: E402
from playback import play, settle_by_silence  # noqa: E402
from tiny_checkpoint import write_tiny_checkpoint  # noqa: E402

from midigpt_server.client import Client  # noqa: E402

TRANSCRIPTS = TESTS / "server" / "transcripts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="scripts to record (default: all)")
    parser.add_argument("--server", help="command of the server to start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="port of a server that runs already")
    parser.add_argument("--out", type=Path, default=TRANSCRIPTS)
    parser.add_argument(
        "--quiet", type=float, default=0.15, help="seconds of silence that end a step"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, script in SCRIPTS.items():
        if options.names and name not in options.names:
            continue
        with server_port(options, script) as port, Client(options.host, port) as client:
            steps = play(client, script.steps, settle_by_silence(options.quiet))
        transcript = {
            "about": script.about,
            "encoder": script.encoder,
            "flags": script.flags,
            "steps": steps,
        }
        (options.out / f"{name}.json").write_text(render(transcript))
        print(name, sum(len(step["replies"]) for step in steps), "replies")


@contextmanager
def server_port(options: argparse.Namespace, script: Script) -> Iterator[int]:
    if options.port:
        yield options.port
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((options.host, 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_tiny_checkpoint(
            Path(folder) / f"{script.encoder}.safetensors", script.encoder
        )
        command = [options.server, "--ckpt", str(checkpoint), "--host", options.host]
        process = subprocess.Popen(
            [*command, "--port", str(port), *script.flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "listen" in line.lower():  # "Listening on" there, "listens on" here
                    break
            else:
                raise SystemExit(f"{options.server} ended before it listened")
            yield port
        finally:
            process.terminate()
            process.stderr.close()
            process.wait()
            time.sleep(0.1)


def render(transcript: dict) -> str:
    """JSON with one message a line."""
    head = {key: value for key, value in transcript.items() if key != "steps"}
    steps = ",\n".join(
        " {" + ",\n  ".join(f"{json.dumps(k)}: {_lines(v)}" for k, v in step.items()) + "}"
        for step in transcript["steps"]
    )
    return json.dumps(head)[:-1] + ',\n"steps": [\n' + steps + "\n]}\n"


def _lines(value: object) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    return "[\n   " + ",\n   ".join(json.dumps(item) for item in value) + "]"


if __name__ == "__main__":
    main()
