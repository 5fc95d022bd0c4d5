"""``python -m midigpt_server.demo``: hear the server play along."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path

from tqdm import tqdm

from midigpt import audio
from midigpt.general_midi import program_name
from midigpt.roll import svg
from midigpt.score import Score, Track
from midigpt_server.client import Client
from midigpt_server.demo.jam import Jam

_START_SECONDS = 60.0


def main(argv: list[str] | None = None) -> int:
    """Run the demo; returns the exit status."""
    args = _arguments(argv)
    score = _phrase(args.midi, args.bars)
    if not 0 <= args.agent < len(score.tracks):
        print(f"--agent is {args.agent}; the file has tracks 0..{len(score.tracks) - 1}")
        return 2
    if args.bpm:
        score.tempo = round(60e6 / args.bpm)
    running = nullcontext() if args.attach else _server(args.port)
    with running as server, Client(port=args.port) as client:
        _wait_until_ready(client, server)
        parameters = {
            "sampling_seed": args.seed,
            "temperature": args.temperature,
            "top_p": args.top_p,
        }
        jam = Jam(client, score, args.agent, parameters)
        _introduce(score, args.agent)
        with tqdm(total=len(score.tracks[0].bars), unit="bar", desc="playing") as bar:
            take = jam.play(on_bar=lambda _: bar.update())
    _report(jam)
    return _keep(take, args.agent, args.out)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m midigpt_server.demo",
        description="Start a server, play a MIDI file at it in real time over OSC, and write what "
        "came back as take.mid, take.mp3 and take.svg.",
        epilog="example: python -m midigpt_server.demo --midi song.mid --agent 1 --out out",
    )
    parser.add_argument("--midi", type=Path, help="file to play (default: a bundled phrase)")
    parser.add_argument(
        "--agent", type=int, default=2, help="track the model plays, from 0 (default: %(default)s)"
    )
    parser.add_argument("--bars", type=int, default=24, help="bars to play (default: %(default)s)")
    parser.add_argument("--bpm", type=float, help="tempo (default: the file's)")
    parser.add_argument("--seed", type=int, default=4, help="-1: another take each time")
    parser.add_argument("--temperature", type=float, default=1.0, help="(default: %(default)s)")
    parser.add_argument("--top-p", type=float, default=0.98, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder to write to")
    parser.add_argument("--port", type=int, default=7400, help="UDP port of the server")
    parser.add_argument("--attach", action="store_true", help="use a server that already runs")
    return parser.parse_args(argv)


def _phrase(path: Path | None, bars: int) -> Score:
    if path is None:
        with as_file(files("midigpt_server.demo") / "battle_hymn.mid") as bundled:
            return _phrase(bundled, bars)
    score = Score.from_midi(path)
    for track in score.tracks:
        track.bars = track.bars[:bars]
    return score


@contextmanager
def _server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "midigpt_server.commands.serve", "--port", str(port)]
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(client: Client, server: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server is not None and server.poll() is not None:
            raise SystemExit(server.returncode)  # the server has said why
        client.send("/midigpt/session/init", "demo")
        try:
            client.wait_for("/midigpt/session/ready", timeout=0.5)
            return
        except (TimeoutError, ConnectionError):
            continue
    raise SystemExit(f"no server answers on UDP port {client.address[1]}")


def _introduce(score: Score, agent: int) -> None:
    for index, track in enumerate(score.tracks):
        print(f"  track {index}: {_name(track):24}", "the agent" if index == agent else "played")


def _name(track: Track) -> str:
    return "Drums" if track.track_type == "drum" else program_name(track.instrument)


def _report(jam: Jam) -> None:
    due = range(jam.first_answer, len(jam.score.tracks[0].bars))
    margins = [
        answer.early for i in due if (answer := jam.answers.get(i)) and answer.early is not None
    ]
    in_time = [margin for margin in margins if margin > 0]
    notes = sum(len(jam.answers[i].notes) for i in due if i in jam.answers)
    print(f"{len(in_time)} of {len(due)} bars answered in time, {notes} notes", end="")
    print(f", {len(jam.fallbacks)} filled by fallback" if jam.fallbacks else "", end="")
    print(f"; the tightest was {min(margins):.2f} s early" if margins else "")


def _keep(take: Score, agent: int, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    take.to_midi(out / "take.mid")
    (out / "take.svg").write_text(svg(take, answered={agent}), encoding="utf-8")
    written = ["take.mid", "take.svg"]
    try:
        audio.write(out / "take.mp3", audio.master(audio.render(take)))
        written.append("take.mp3")
    except (RuntimeError, ImportError) as error:  # without sound the take is still worth keeping
        print(error)
    print(f"written to {out}: {', '.join(written)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
