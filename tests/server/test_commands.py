"""The commands: flags, help, a busy port, the listener, the manual."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from musician import Musician
from tiny_checkpoint import write_tiny_checkpoint

from midigpt_server.client import Client
from midigpt_server.commands import listen, serve
from midigpt_server.commands.serve import build_parser, parameter_defaults
from midigpt_server.protocol import docs, osc
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpPeer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny_ghost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "ghost.safetensors", "ghost")


def test_flags_of_0_4_2() -> None:
    flags = (
        "--ckpt x.pt --port 7500 --host 0.0.0.0 --reply-port 7401 --max_attempts 5 --buffer 2 "
        "--lookahead 3 --model_dim 4 --gen_timeout 2.5 --log_level DEBUG --device cpu --seed 7"
    )
    options = build_parser().parse_args(flags.split())
    assert (options.ckpt, options.port, options.host) == ("x.pt", 7500, "0.0.0.0")
    assert (options.reply_port, options.log_level, options.device) == (7401, "DEBUG", "cpu")
    assert parameter_defaults(options) == {
        "max_attempts": 5,
        "buffer_bars": 2,
        "lookahead_bars": 3,
        "model_dim": 4,
        "gen_timeout": 2.5,
        "sampling_seed": 7,
    }


def test_D40_this_machine_only_by_default() -> None:
    options = build_parser().parse_args([])
    assert (options.host, options.port, options.reply_port) == ("127.0.0.1", 7400, None)
    assert parameter_defaults(options) == {}


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args(["--help"])
    assert end.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_a_busy_port_is_one_line(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert listen.main(["--port", str(server.port)]) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert f"port {server.port} is in use" in text and "--port" in text


def test_a_busy_port_is_said_before_anything_is_loaded(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve.main(["--port", str(server.port), "--ckpt", "does not exist"]) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and f"port {server.port} is in use" in text


@pytest.mark.parametrize(
    "flags", [["--ckpt", "does-not-exist.safetensors"], ["--model_dim", "5"], ["--buffer", "1"]]
)
def test_what_cannot_be_started_is_one_line(
    flags: list[str], tiny_ghost: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--port", "0", "--ckpt", str(tiny_ghost), *flags]
    assert serve.main(arguments) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.startswith("midigpt-server: ")


@contextmanager
def started(checkpoint: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command as a process, and its port."""
    command = [sys.executable, "-m", "midigpt_server.commands.serve", "--port", "0", *flags]
    command += ["--ckpt", str(checkpoint)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "listens on" in line)
        yield process, int(line.partition("listens on 127.0.0.1:")[2].partition(",")[0])


@pytest.mark.parametrize("flags", [["--max-sessions", "0"], ["--idle-seconds", "soon"]])
def test_capacities_are_checked(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(flags)
    assert f"argument {flags[0]}: {flags[1]} is " in capsys.readouterr().err


def test_the_number_of_sessions_and_their_idle_time_can_be_set(tiny_ghost: Path) -> None:
    with (
        started(tiny_ghost, "--max-sessions", "1", "--idle-seconds", "6") as (process, port),
        Client(port=port, timeout=30) as one,
        Client(port=port, timeout=30) as two,
    ):
        Musician(one).begin()
        two.send("/midigpt/session/init")
        assert "1 sessions run" in two.wait_for("/midigpt/error", 10).arguments[1]
        one.wait_for("/midigpt/session/stopped")
        process.terminate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_ended(tiny_ghost: Path, end: signal.Signals) -> None:
    with started(tiny_ghost) as (process, port):
        assert process.stderr is not None
        with Client(port=port) as client:
            client.send("/midigpt/session/init")
            client.wait_for("/midigpt/session/ready")
        process.send_signal(end)
        assert process.wait(timeout=30) == 0
        assert "'received': 1" in process.stderr.read()


def test_listen_prints_messages(capsys: pytest.CaptureFixture[str]) -> None:
    peer = UdpPeer(("127.0.0.1", 9), None)  # type: ignore[arg-type]
    listen.Printer().receive(osc.decode(osc.encode("/a/b", (1, 2.5, "x"))), peer)
    assert capsys.readouterr().out == "127.0.0.1:9 /a/b ,ifs 1 2.5 'x'\n"


def test_the_manual_is_up_to_date() -> None:
    assert (ROOT / "docs" / "osc.md").read_text() == docs.manual(), (
        "python -m midigpt_server.protocol.docs > docs/osc.md"
    )


def test_the_manual_can_be_made_as_a_command() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "midigpt_server.protocol.docs"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == docs.manual()


def test_client_says_what_it_waited_for(server: Server) -> None:
    with Client(port=server.port) as client:
        client.send("/midigpt/session/init")
        with pytest.raises(TimeoutError, match="session/ready"):
            client.wait_for("/no/such/address", timeout=0.05)
