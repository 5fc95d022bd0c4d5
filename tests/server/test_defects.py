"""Defects of MIDI-GPT 0.4.2's OSC server that this one must not have, by tag.

The tags are explained in docs/compatibility.md. Here a stand-in takes the model's place; what needs
the model is in test_live_session.py.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from musician import Musician, addresses, codes, named, opened_bars
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from stand_in import StandIn

from midigpt_server.client import Client
from midigpt_server.generation.job import PromptState
from midigpt_server.protocol import osc
from midigpt_server.server import Server
from midigpt_server.session.piece import Piece, Track
from midigpt_server.timing.bars import BarNote, to_ticks
from midigpt_server.transports.udp import UdpTransport


@contextmanager
def musician_with(backend: StandIn, **options: object) -> Iterator[Musician]:
    with (
        Server(backend, [UdpTransport(port=0)], **options) as server,  # type: ignore[arg-type]
        Client(port=server.port) as client,
    ):
        yield Musician(client)


def generating(musician: Musician) -> None:
    """Wait until a generation runs (the stand-in's gate is closed)."""
    musician.client.wait_for("/midigpt/prompt/state")


# --- music ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ["yellow", "expressive"])
def test_D01_defaults_work_without_a_mask_token(encoder: str) -> None:
    backend = StandIn(encoder)
    with musician_with(backend) as musician:
        musician.begin()
        musician.send("param/set", "mask_mode", "token")
        assert opened_bars(musician.play(0) + musician.play(1) + musician.play(2)) == [4]
        musician.send("param/set", "mask_mode", "remove")
        musician.send("param/reset_all")
        musician.play(3)
        musician.send("param/set", "mask_mode", "remove")
        musician.send("param/reset", "mask_mode")
        musician.play(4)
    assert [job.values["mask_mode"] for job in backend.jobs] == ["attention_skip"] * 3


def test_D15_late_notes_count_from_the_next_generation_on(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    musician.play(0)
    musician.note(0, 72)
    musician.play(1)
    bar_0 = backend.jobs[-1].tracks[0].bars[0]
    assert [note.pitch for note in bar_0] == [60, 72]
    musician.note(1, 50)
    musician.end(1)
    assert musician.replies() == []
    musician.play(2)
    bar_1 = backend.jobs[-1].tracks[0].bars[1]
    assert [note.pitch for note in bar_1] == [61, 50], "ending a bar again keeps its notes"


def test_D15_a_held_note_with_negative_duration_belongs_to_the_bar_before(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    musician.end(0)
    musician.note(1, 60, onset=0.75, duration=-0.5)
    musician.end(1)
    musician.replies()
    human = backend.jobs[-1].tracks[0]
    assert human.bars[0] == (BarNote(60, 80, 0.75, 0.5),)
    assert human.bars[1] == ()


def test_D16_a_lost_bar_end_keeps_its_notes_and_is_reported(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin()
    musician.end(0)
    musician.note(2, 66)
    musician.end(4, 3, 4)
    replies = musician.replies()
    assert named(replies, "bar/gap") == [(1, 3)]
    assert opened_bars(replies) == [6]
    job = backend.jobs[-1]
    assert [note.pitch for note in job.tracks[0].bars[2 - job.first_bar]] == [66]
    assert [str(meter) for meter in job.meters[:5]] == ["4/4", "3/4", "3/4", "3/4", "3/4"]


@pytest.mark.parametrize("steps", [48, 36, 96, 7 * 48])
def test_D17_float32_fractions_round_to_the_nearest_step(steps: int) -> None:
    fractions = [float(np.float32(k) / np.float32(steps)) for k in range(steps)]
    assert [to_ticks(fraction, steps) for fraction in fractions] == list(range(steps))


def test_D17_an_onset_that_rounds_to_the_bar_line_is_that_of_the_next_bar() -> None:
    piece = Piece()
    piece.add_track(Track(0, 0, False, False))
    piece.add_note(0, 3, BarNote(60, 80, 1.0, 0.25))
    assert piece.tracks[0].bars[4] == [BarNote(60, 80, 0.0, 0.25)]


def test_D18_long_notes_by_opt_in(musician: Musician) -> None:
    musician.begin(buffer_bars=2)
    durations = {note[5] for note in named(musician.play(0), "generated/note")}
    assert durations == {1.0}
    musician.send("param/set", "long_notes", True)
    durations = {note[5] for note in named(musician.play(1), "generated/note")}
    assert durations == {1.5}


def test_D22_an_ignored_track_does_no_harm(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    musician.send("track/create", 2, 40, 10, 0)
    musician.send("track/set_ignore", 0, 1)
    assert opened_bars(musician.play(0)) == [2]
    assert [track.ignored for track in backend.jobs[-1].tracks] == [True, False, False]
    musician.send("track/param/set", 0, "ignore", 0)
    musician.play(1)
    assert [track.ignored for track in backend.jobs[-1].tracks] == [False, False, False]


def test_D23_track_parameters_reach_the_generation(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    musician.send("track/param/set", 1, "temperature", 0.5)
    musician.send("track/param/set", 1, "min_pitch", 40)
    musician.send("track/param/set", 1, "max_pitch", 52)
    assert codes(musician.ask("track/param/set", 1, "min_pitch", 53)) == [4]
    assert codes(musician.ask("track/param/set", 0, "temperature", 0.5)) == [4]
    musician.play(0)
    values = {"temperature": 0.5, "min_pitch": 40, "max_pitch": 52}
    assert backend.jobs[-1].track_values == values


def test_D29_tracks_removed_or_created_while_a_generation_runs(
    musician: Musician, backend: StandIn
) -> None:
    musician.send("session/init")
    for track, is_agent in ((10, 0), (30, 0), (20, 1)):
        musician.send("track/create", track, 0, 10, is_agent)
    musician.send("param/set", "buffer_bars", 2)
    musician.send("session/start")
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    musician.send("track/remove", 10)
    musician.send("track/create", 40, 0, 10, 0)
    musician.ping()
    backend.gate.set()
    replies = musician.replies()
    assert {reply[0] for reply in named(replies, "generated/note")} == {20}
    assert [reply[2] for reply in named(replies, "generated/note")] == [42, 42], "the agent's notes"
    musician.end(1)
    musician.replies()
    assert [track.id for track in backend.jobs[-1].tracks] == [30, 20, 40]
    agent = backend.jobs[-1].agent
    assert [note.pitch for note in agent.bars[2]] == [42, 42], "the history is the agent's own"


def test_D31_dropped_tracks_are_reported(
    musician: Musician, backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prompt(job: object) -> PromptState:
        whole = StandIn.prompt(backend, job)  # type: ignore[arg-type]
        return dataclasses.replace(whole, states={1: whole.states[1]}, dropped=(0,))

    monkeypatch.setattr(backend, "prompt", prompt)
    musician.begin(buffer_bars=2)
    replies = musician.play(0)
    state = json.loads(named(replies, "prompt/state")[0][0])
    assert [(track["id"], track["track_id"]) for track in state["tracks"]] == [(1, 1)]
    dropped = json.loads(named(replies, "prompt/dropped")[0][0])
    assert dropped["target_bar"] == 2 and dropped["tracks"] == [0] and dropped["reason"]


def test_D33_bars_already_played_are_history_only(musician: Musician, backend: StandIn) -> None:
    musician.begin(warmup_policy="b")
    musician.play(0)
    musician.play(1)
    assert opened_bars(musician.play(2)) == [4]
    assert opened_bars(musician.play(3)) == [5]
    assert all(backend.jobs[-1].agent.bars[:5]), "bars 0 to 4 are the agent's own"


def test_D48_velocity_0_is_a_note_and_is_warned_of_once(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    for pitch in (60, 64):
        musician.send("note", 0, pitch, 0, 0.0, 0.25, 0, tags="iiiffi")
    replies = musician.replies()
    assert [topic for topic, _ in named(replies, "warning")] == ["velocity"]
    musician.end(0)
    musician.replies()
    assert [(n.pitch, n.velocity) for n in backend.jobs[-1].tracks[0].bars[0]] == [
        (60, 80),
        (64, 80),
    ]


# --- timing and scheduling --------------------------------------------------------------------


def test_D06_D07_the_newest_target_comes_next_and_the_skipped_are_told(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    for bar in range(1, 6):
        musician.note(bar, 60 + bar)
        musician.end(bar)
    musician.ping()
    backend.gate.set()
    replies = musician.replies()
    assert opened_bars(replies) == [2, 7]
    newest = backend.jobs[-1]
    assert [len(bar) for bar in newest.tracks[0].bars] == [0, 1, 1, 1, 1, 1, 0, 0]


def test_D06_skipped_bars_are_told(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    musician.end(1)
    musician.end(2)
    skipped = musician.client.wait_for("/midigpt/generation/skipped").arguments
    assert skipped[:3] == (1, 3, 3)
    backend.gate.set()


def test_D08_nothing_after_stopped(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    musician.end(1)
    replies = musician.ask("session/stop")
    assert addresses(replies) == ["status", "session/stopped"]
    assert replies[0].arguments == ("ready",)
    backend.gate.set()
    musician.begin(buffer_bars=2)
    assert opened_bars(musician.play(0)) == [2], "the generator lives"


def test_D09_nothing_of_the_old_session_after_init(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    musician.send("session/init", "new")
    musician.send("track/create", 5, 0, 10, 0)
    musician.send("track/create", 1, 0, 10, 1)
    musician.send("param/set", "buffer_bars", 2)
    musician.send("session/start")
    replies = musician.client.receive_until(lambda r: r.address == "/midigpt/session/started")
    backend.gate.set()
    assert "generated/open" not in addresses(replies + musician.replies())
    musician.end(0)
    musician.replies()
    assert backend.jobs[-1].agent.bars[:2] == ((), ()), "no history of the old session"


@pytest.mark.parametrize("failure", [ValueError("boom"), SystemExit(3), MemoryError()])
def test_D11_the_generator_survives_everything(
    musician: Musician, backend: StandIn, failure: BaseException
) -> None:
    musician.begin(buffer_bars=2)
    backend.fail_with = failure
    replies = musician.play(0)
    assert [(r.address[9:], r.arguments[0]) for r in replies] == [
        ("status", "generating"),
        ("error", 5),
        ("status", "ready"),
    ]
    backend.fail_with = None
    assert opened_bars(musician.play(1)) == [3]


def test_D10_a_timeout_ends_the_generation_itself(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2, gen_timeout=0.05)
    threads = threading.active_count()
    backend.gate.clear()
    for bar in range(3):
        assert codes(musician.play(bar)) == [5]
    assert threading.active_count() == threads
    backend.gate.set()
    musician.send("param/reset", "gen_timeout")
    assert opened_bars(musician.play(3)) == [5]


def test_D24_a_one_shot_set_during_a_generation_is_for_the_next_one(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    backend.gate.clear()
    musician.end(0)
    generating(musician)
    musician.send("param/set_once", "temperature", 2.0)
    musician.ping()
    backend.gate.set()
    musician.replies()
    musician.play(1)
    musician.play(2)
    assert [job.values["temperature"] for job in backend.jobs] == [1.0, 2.0, 1.0]


def test_D24_a_failed_generation_does_not_use_up_a_one_shot(
    musician: Musician, backend: StandIn
) -> None:
    musician.begin(buffer_bars=2)
    musician.send("param/set_once", "temperature", 2.0)
    backend.fail_with = RuntimeError("no")
    musician.play(0)
    backend.fail_with = None
    musician.play(1)
    musician.play(2)
    assert [job.values["temperature"] for job in backend.jobs] == [2.0, 2.0, 1.0]


def test_D27_command_line_defaults_survive_init(backend: StandIn) -> None:
    with musician_with(backend, defaults={"buffer_bars": 2, "lookahead_bars": 3}) as musician:
        musician.begin()
        musician.send("session/stop")
        musician.begin()
        assert opened_bars(musician.play(0)) == [4]
        musician.send("param/reset_all")
        assert musician.state()["parameters"]["lookahead_bars"] == 3


def test_D45_buffering_is_told(musician: Musician) -> None:
    musician.begin()
    replies = [*musician.play(0), *musician.play(1)]
    assert named(replies, "bar/buffering") == [(0, 2, 4), (1, 1, 4)]
    assert opened_bars(musician.play(2)) == [4]


def test_D26b_a_blind_agent_is_warned_of(musician: Musician) -> None:
    musician.send("session/init")
    musician.send("track/create", 0, 0, 10, 0)
    musician.send("track/create", 1, 0, 10, 1)
    musician.send("param/set", "lookahead_bars", 7)
    assert [topic for topic, _ in named(musician.ask("session/start"), "warning")] == ["lookahead"]


# --- protocol ---------------------------------------------------------------------------------


def test_D12_two_clients_have_two_sessions(server: Server, backend: StandIn) -> None:
    with Client(port=server.port) as one, Client(port=server.port) as two:
        first, second = Musician(one), Musician(two)
        first.begin(buffer_bars=2)
        second.begin(buffer_bars=2, lookahead_bars=3)
        assert opened_bars(first.play(0)) == [2]
        assert opened_bars(second.play(0)) == [4]
        second.send("session/stop")
        second.replies()
        assert opened_bars(first.play(1)) == [3]


def test_D12_one_client_may_use_several_sockets(server: Server) -> None:
    with Client(port=server.port) as control, Client(port=server.port) as notes:
        Musician(control).begin(buffer_bars=2)
        assert opened_bars(Musician(notes).play(0)) == [2], "replies go to the latest sender"


def test_D13_replies_come_from_the_listening_port(server: Server) -> None:
    with Client(port=server.port) as client:
        client._socket.connect(("127.0.0.1", server.port))
        client._socket.send(osc.encode("/midigpt/session/init"))
        client.wait_for("/midigpt/session/ready")


def test_D14_reply_port_of_a_session(server: Server) -> None:
    with Client(port=server.port) as sender, Client(port=server.port) as listener:
        sender.send("/midigpt/session/init", "max", listener.port)
        listener.wait_for("/midigpt/session/ready")
        sender.send("/midigpt/session/init", "max")
        sender.wait_for("/midigpt/session/ready")


def test_D14_reply_port_of_the_server(backend: StandIn) -> None:
    with (
        Client() as listener,
        Server(backend, [UdpTransport(port=0)], reply_port=listener.port) as server,
        Client(port=server.port) as sender,
    ):
        sender.send("/midigpt/session/init")
        listener.wait_for("/midigpt/session/ready")
        sender.send("/midigpt/ping", "there?")
        listener.wait_for("/midigpt/pong", "there?")


def test_D25_attributes_are_tested_when_set(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    for name, level in (("loudness", 1), ("max_polyphony", 10), ("note_density", 3)):
        assert codes(musician.ask("attr/set", name, level)) == [4]
    musician.send("attr/set", "max_polyphony", 9)
    musician.play(0)
    assert backend.jobs[-1].attributes == {"max_polyphony": 9}
    musician.send("attr/set", "max_polyphony", -1)
    musician.play(1)
    assert backend.jobs[-1].attributes == {}
    musician.send("attr/set", "max_polyphony", 2)
    musician.begin(buffer_bars=2)
    musician.play(0)
    assert backend.jobs[-1].attributes == {}, "init forgets them"


def test_D25_attributes_that_do_not_apply_are_left_out(
    musician: Musician, backend: StandIn
) -> None:
    musician.send("session/init")
    musician.send("attr/set", "note_density", 3)  # for drums; the agent is not known yet
    musician.send("track/create", 0, 0, 10, 0)
    musician.send("track/create", 1, 0, 10, 1)
    musician.send("param/set", "buffer_bars", 2)
    assert [t for t, _ in named(musician.ask("session/start"), "warning")] == ["attribute"]
    assert opened_bars(musician.play(0)) == [2]
    assert backend.jobs[-1].attributes == {}


def test_D25_the_model_is_described(musician: Musician) -> None:
    replies = musician.ask("session/init")
    model = json.loads(named(replies, "model")[0][0])
    density = {"size": 10, "level": "track", "track_type": "drum"}
    assert model["attributes"]["note_density"] == density
    assert model["window_lengths"] == [4, 8, 12, 16] and "4/4" in model["meters"]


@pytest.mark.parametrize(
    ("before", "name", "value"),
    [
        ({}, "model_dim", 5),
        ({}, "top_p", 0.0),
        ({}, "mask_p", 1.0),
        ({"top_k": 5}, "mask_k", 5),
        ({"top_k": 9, "mask_k": 6}, "top_k", 6),
        ({"top_p": 0.5}, "mask_p", 0.5),
        ({"num_anticipated_bars": 6}, "model_dim", 4),
        ({"model_dim": 4}, "num_anticipated_bars", 5),
    ],
)
def test_D26_what_the_engine_refuses_cannot_be_set(
    musician: Musician, before: dict[str, float], name: str, value: float
) -> None:
    for parameter, number in before.items():
        assert musician.ask("param/set", parameter, number) == []
    parameters = musician.state()["parameters"]
    assert codes(musician.ask("param/set", name, value)) == [4]
    assert codes(musician.ask("param/set_once", name, value)) == [4]
    assert musician.state()["parameters"] == parameters
    assert musician.state()["once"] == {}


def test_D21_a_foreign_meter_does_not_end_the_music(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    musician.play(0)
    musician.end(1, 13, 8)
    replies = musician.replies()
    assert [topic for topic, _ in named(replies, "warning")] == ["meter"]
    assert opened_bars(replies) == [3]
    assert str(backend.jobs[-1].meters[1]) == "12/8"
    assert opened_bars(musician.play(2)) == [4]


def test_D30_prompt_state_has_track_ids(musician: Musician) -> None:
    musician.send("session/init")
    for track, is_agent in ((10, 0), (30, 1), (20, 0)):
        musician.send("track/create", track, 0, 10, is_agent)
    musician.send("param/set", "buffer_bars", 2)
    musician.send("session/start")
    state = json.loads(named(musician.play(0), "prompt/state")[0][0])
    assert [(t["id"], t["track_id"]) for t in state["tracks"]] == [(0, 10), (1, 30), (2, 20)]


def test_D37_a_bundle_dated_in_the_future_stops_nobody(musician: Musician) -> None:
    builder = OscBundleBuilder(2_000_000_000)  # seconds since 1970: the year 2033
    for address in ("/midigpt/session/init", "/midigpt/session/stop"):
        builder.add_content(OscMessageBuilder(address).build())
    musician.client.send_datagram(builder.build().dgram)
    assert addresses(musician.replies())[-2:] == ["session/ready", "session/stopped"]


def test_D38_ping_and_query(musician: Musician) -> None:
    musician.send("ping", "hello")
    text, version = musician.client.wait_for("/midigpt/pong").arguments
    assert text == "hello" and version
    musician.begin()
    state = musician.state()
    assert state["state"] == "RUNNING" and state["playhead"] == 0
    assert [track["track_id"] for track in state["tracks"]] == [0, 1]


def test_address_patterns_reach_every_match(musician: Musician) -> None:
    assert codes(musician.ask("param/*")) == [4, 4, 4], "set, set_once, reset; reset_all is silent"
    assert codes(musician.ask("param/re{set,verse}")) == [4]
    assert codes(musician.ask("param/s?t")) == [4]
    assert codes(musician.ask("param/[a-s]et")) == [4]
    assert codes(musician.ask("n*")) == [1], "note, as no wildcard crosses a slash"


def test_an_instrument_outside_0_to_127_is_0(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2)
    replies = musician.ask("track/create", 9, 128, 11, 0)
    assert addresses(replies) == ["warning"]
    musician.play(0)
    track = backend.jobs[-1].tracks[2]
    assert (track.id, track.instrument, track.is_drum) == (9, 0, True)


def test_infinity_as_float32_is_what_it_is() -> None:
    (message,) = osc.decode(osc.encode("/x", (1e300,), "f"))
    assert message.arguments == (struct.unpack(">f", b"\x7f\x80\0\0")[0],)
