"""The same scripted clients get the same replies as from MIDI-GPT 0.4.2, defects excepted.

``transcripts/*.json`` were recorded from it by tests/data/make/record_osc_transcripts.py;
``excuses.json`` lists each step whose replies differ, why (tags of docs/compatibility.md), and what
this server says instead.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playback import play
from stand_in import StandIn
from transcript import settle, summary

from midigpt_server.client import Client
from midigpt_server.commands.serve import build_parser, parameter_defaults
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport

HERE = Path(__file__).parent
TRANSCRIPTS = {path.stem: json.loads(path.read_text()) for path in HERE.glob("transcripts/*.json")}
EXCUSES = json.loads((HERE / "excuses.json").read_text())


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_same_replies(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    options = build_parser().parse_args(transcript["flags"])
    backend = StandIn(transcript["encoder"])
    with (
        Server(backend, [UdpTransport(port=0)], defaults=parameter_defaults(options)) as server,
        Client(port=server.port) as client,
    ):
        steps = play(client, transcript["steps"], settle)
    excuses = {excuse["step"]: excuse for excuse in EXCUSES if excuse["transcript"] == name}
    differences = {}
    for index, (recorded, ours) in enumerate(zip(transcript["steps"], steps, strict=True)):
        excuse = excuses.pop(index, None)
        expected = excuse["ours"] if excuse else summary(recorded["replies"])
        if summary(ours["replies"]) != expected:
            differences[index, recorded["about"]] = (summary(ours["replies"]), expected)
    assert not differences
    assert not excuses, "an excuse for no step"


def test_every_excuse_is_needed_and_has_a_tag() -> None:
    for excuse in EXCUSES:
        step = TRANSCRIPTS[excuse["transcript"]]["steps"][excuse["step"]]
        assert step["about"] == excuse["about"]
        assert summary(step["replies"]) != excuse["ours"], "the same replies need no excuse"
        assert excuse["tag"].startswith("D") and excuse["why"]
