"""Reading ahead: what will be asked for is read before, and changes nothing that is played."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from offline import OfflinePlayer, OfflineServer
from stand_in import StandIn
from test_live_session import Prompts
from tiny_checkpoint import write_tiny_checkpoint

from midigpt.inference import InferenceEngine
from midigpt.inference.task import Task, drive
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.generation.job import Job, Listener, Result
from midigpt_server.generation.thread import GenerationEvent, GenerationThread, Succeeded


def band(lead: float, **parameters: Any) -> tuple[OfflineServer, OfflinePlayer]:
    """Two humans and two agents: track 2 plays on the beats, track 0 to the end of the bar."""
    server = OfflineServer(cost=lambda job: 0.05)
    player = OfflinePlayer(server)
    player.say("session/init", "band")
    for track, is_agent in ((0, 0), (1, 1), (2, 0), (3, 1)):
        if is_agent:
            player.say("agent/create", track, 30, 10, "repeat")
        else:
            player.say("track/create", track, 0, 10, 0)
    for name, value in {"lookahead_bars": 0, "lead_beats": lead, **parameters}.items():
        player.say("param/set", name, value)
    player.say("param/set", "buffer_bars", 2)
    player.say("session/start")
    for bar in range(4):
        for track, place in ((0, 0.0), (2, 0.0), (2, 0.5), (0, 0.75), (0, 0.9)):
            server.run_until(2 * (bar + place))
            player.say("note", track, 60, 80, place, 1 - place, bar)
        server.run_until(2 * (bar + 1))
        player.say("bar/end", bar, 4, 4)
    server.run_until(9.0)
    return server, player


def test_the_track_that_goes_on_longest_is_read_last_and_agents_after_the_players() -> None:
    server, player = band(lead=0.0)
    for job in (job for job in server.jobs if job.target >= 3):
        assert [track.id for track in job.tracks] == [2, 0, 1, 3]
    for (text,) in player.named("prompt/state"):
        shown = [(track["id"], track["track_id"]) for track in json.loads(text)["tracks"]]
        assert shown == [(0, 0), (1, 1), (2, 2), (3, 3)], "clients see them as they were created"


def test_the_order_is_that_of_creation_with_lookahead_1() -> None:
    server, _ = band(lead=0.0, lookahead_bars=1)
    assert server.jobs
    for job in server.jobs:
        assert [track.id for track in job.tracks] == [0, 1, 2, 3]


def test_what_was_read_last_is_what_is_asked_for_unless_a_note_came_meanwhile() -> None:
    server, _ = band(lead=0.0)
    first_agents = [job for job in server.jobs if job.agent_id == 1 and job.target >= 3]
    assert first_agents
    for job in first_agents:
        guesses = [g for _, g in server.foreseen if (g.agent_id, g.target) == (1, job.target)]
        assert guesses[-1].asks_the_same(job), "the last note came 0.2 s before the bar line"
        assert not guesses[0].asks_the_same(job), "the first was made before it"


def test_nothing_is_read_ahead_again_before_something_changes() -> None:
    server, _ = band(lead=0.0)
    ahead = [time for time, job in server.foreseen if (job.agent_id, job.target) == (1, 4)]
    assert ahead == pytest.approx([7.6, 7.88])  # a note at 7.8


@pytest.mark.parametrize("changed", [False, True])
def test_bars_are_the_same_whether_they_were_foreseen_or_not(changed: bool, tmp_path: Path) -> None:
    server, _ = band(lead=0.0, sampling_seed=3, streaming=1)
    job = next(job for job in server.jobs if job.target == 4)
    guesses = [g for _, g in server.foreseen if (g.agent_id, g.target) == (job.agent_id, 4)]
    guess = guesses[0 if changed else -1]
    checkpoint = write_tiny_checkpoint(tmp_path / "tiny.safetensors", "ghost")
    engine = InferenceEngine.from_checkpoint(checkpoint)
    results = []
    for foresees in (False, True):
        backend = EngineBackend(engine)
        if foresees:
            drive(backend.foresee(guess))
        states: list[Any] = []
        results.append((drive(backend.start(job, Prompts(states))), states))
    assert results[0] == results[1]
    assert results[0][0].bars[4]


class Reader(StandIn):
    """Reads ahead in three pieces, and keeps what it does in order."""

    def __init__(self) -> None:
        super().__init__("ghost")
        self.done: list[str] = []
        self.began, self.read = Event(), Event()

    def foresee(self, job: Job) -> Task[None]:
        for piece in range(3):
            self.done.append(f"read {job.voice} {piece}")
            self.began.set()
            self.gate.wait(10)
            yield ()
        self.read.set()

    def start(self, job: Job, listener: Listener) -> Task[Result]:
        self.done.append(f"write {job.voice}")
        return super().start(job, listener)


@pytest.mark.parametrize("writes", ["somebody", "me"])
def test_a_reading_waits_while_others_write_and_ends_when_its_own_bar_is_wanted(
    writes: str,
) -> None:
    server, _ = band(lead=0.0)
    read, write = server.jobs[-2:]
    assert read.voice != write.voice
    reader, ended = Reader(), Event()
    reader.gate.clear()

    def post(event: GenerationEvent) -> None:
        if isinstance(event, Succeeded):
            ended.set()

    thread = GenerationThread(reader, post)
    try:
        thread.foresee(read)
        assert reader.began.wait(10)
        thread.submit(read if writes == "me" else write)
        reader.gate.set()
        assert ended.wait(10)
        assert reader.done[:2] == [
            f"read {read.voice} 0",
            f"write {(read if writes == 'me' else write).voice}",
        ]
        if writes == "somebody":
            assert reader.read.wait(10)
            assert reader.done[2:] == [f"read {read.voice} 1", f"read {read.voice} 2"]
    finally:
        thread.close()
    assert len(reader.done) == (2 if writes == "me" else 4)
