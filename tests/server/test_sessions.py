"""The registry: ids, watching, attaching, and that every row of the table has its handler."""

from __future__ import annotations

import inspect
import json

from musician import Musician, addresses, codes, named, opened_bars
from offline import OfflinePlayer, OfflineServer

from midigpt_server.client import Client
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.session.observer import SessionObserver
from midigpt_server.session.registry import IDLE_SECONDS, MAX_SESSIONS
from midigpt_server.session.session import Session


def test_every_row_has_a_handler_that_takes_its_fields() -> None:
    session, desk = Session(ModelInfo()), OfflineServer().conductor.desk
    for row in INBOUND.values():
        own = ["peer"] if row.of_server else []
        handler = row.method_of(desk if row.of_server else session)
        parameters = list(inspect.signature(handler).parameters)
        assert parameters[: len(own)] == own, row.address
        assert len(parameters) == len(own) + len(row.fields), row.address


def session_id(musician: Musician) -> str:
    return str(named(musician.ask("session/init", "mine"), "session/id")[0][0])


def test_sessions_are_listed(server: Server, musician: Musician) -> None:
    known = session_id(musician)
    musician.send("sessions/query")
    listed = json.loads(musician.client.wait_for("/midigpt/sessions").arguments[0])["sessions"]
    assert [(s["id"], s["name"], s["state"]) for s in listed] == [(known, "mine", "INITIALIZING")]


def test_watchers_hear_both_directions_and_disturb_nobody(
    server: Server, musician: Musician
) -> None:
    known = session_id(musician)
    with Client(port=server.port) as client:
        client.send("/midigpt/session/watch", known)
        snapshot = json.loads(client.wait_for("/midigpt/session/snapshot").arguments[0])
        assert snapshot["id"] == known and snapshot["tracks"] == []
        musician.send("track/create", 0, 0, 10, 0)
        musician.send("track/create", 1, 32, 10, 1)
        musician.send("param/set", "buffer_bars", 2)
        musician.send("session/start")
        assert opened_bars(musician.play(0)) == [2]
        mirrored = client.receive_until(lambda m: '["ready"]' in m.arguments)
    assert {m.address for m in mirrored} == {"/midigpt/session/mirror"}
    revisions = [m.arguments[1] for m in mirrored]
    assert revisions == list(range(snapshot["revision"] + 1, revisions[-1] + 1))
    inward = [m.arguments[3] for m in mirrored if m.arguments[2] == "in"]
    assert inward == [
        f"/midigpt/{name}"
        for name in (
            *("track/create", "track/create", "param/set", "session/start", "note", "bar/end"),
        )
    ]
    outward = [m.arguments[3:] for m in mirrored if m.arguments[2] == "out"]
    assert ("/midigpt/generated/close", "[1, 2]") in outward


def test_a_watcher_does_not_become_a_player(server: Server, musician: Musician) -> None:
    known = session_id(musician)
    with Client(port=server.port) as client:
        watcher = Musician(client)
        watcher.send("session/watch", known)
        client.wait_for("/midigpt/session/snapshot")
        watcher.send("session/init", "another")
        client.wait_for("/midigpt/session/ready")
        assert musician.state()["name"] == "mine"
        watcher.send("session/unwatch", known)
        watcher.ping()
        musician.send("param/set", "top_k", 3)
        musician.ping()
        assert watcher.replies() == []


def test_an_attached_client_plays_in_the_session(server: Server, musician: Musician) -> None:
    musician.begin(buffer_bars=2)
    musician.send("sessions/query")
    listed = json.loads(musician.client.wait_for("/midigpt/sessions").arguments[0])["sessions"]
    with Client(port=server.port) as client:
        other = Musician(client)
        other.send("session/attach", listed[0]["id"])
        client.wait_for("/midigpt/session/snapshot")
        other.send("param/set", "temperature", 2.0)
        other.ping()
        assert opened_bars(musician.play(0)) == [2], "the first client still hears the music"
        assert opened_bars(other.replies()) == [2], "and so does the attached one"
        assert musician.state()["parameters"]["temperature"] == 2.0
        other.send("param/set", "temperature", "hot")
        assert codes(other.replies()) == [4] and codes(musician.replies()) == []


def test_an_id_of_ones_own_brings_back_the_session(server: Server) -> None:
    with Client(port=server.port) as one, Client(port=server.port) as two:
        assert named(Musician(one).ask("session/init", "a", 0, "stage"), "session/id") == [
            ("stage",)
        ]
        Musician(two).ask("session/init", "b", 0, "stage")
        two.send("/midigpt/sessions/query")
        listed = json.loads(two.wait_for("/midigpt/sessions").arguments[0])["sessions"]
        assert [(s["id"], s["name"]) for s in listed] == [("stage", "b")]


def test_unknown_ids_are_refused(musician: Musician) -> None:
    musician.send("session/init")
    musician.replies()
    for name in ("session/watch", "session/unwatch", "session/attach"):
        assert codes(musician.ask(name, "nobody")) == [9]


def test_observers_hear_what_was_accepted_and_sent(server: Server, musician: Musician) -> None:
    heard: list[tuple[str, str]] = []

    class Recorder(SessionObserver):
        def on_inbound(self, session_id: str, message: Message, now: float) -> None:
            heard.append(("in", message.address))

        def on_outbound(self, session_id: str, messages: list[Message], now: float) -> None:
            heard.extend(("out", name) for name in addresses(messages))

    server.conductor.observers.append(Recorder())
    musician.send("session/init")
    musician.send("note", 0)
    musician.replies()
    assert heard == [
        ("in", "/midigpt/session/init"),
        *(("out", name) for name in ("capabilities", "model", "session/id", "session/ready")),
    ]


def listed(player: OfflinePlayer) -> dict[str, str]:
    player.say("sessions/query")
    sessions = json.loads(player.named("sessions")[-1][0])["sessions"]
    return {session["name"]: session["state"] for session in sessions}


def test_idle_sessions_expire_and_are_told() -> None:
    server = OfflineServer()
    idle, busy = OfflinePlayer(server, "idle"), OfflinePlayer(server, "busy")
    idle.begin()
    busy.begin()
    server.run_until(IDLE_SECONDS - 1)
    busy.say("param/set", "top_k", 3)
    assert set(listed(busy)) == {"idle", "busy"}
    server.run_until(IDLE_SECONDS + 1)
    assert set(listed(busy)) == {"busy"} and idle.named("session/stopped")


def test_beyond_the_most_sessions_idle_places_are_taken_and_running_ones_are_not() -> None:
    server = OfflineServer()
    players = [OfflinePlayer(server, f"player {number}") for number in range(MAX_SESSIONS)]
    for player in players[1:]:
        player.begin()
    players[0].say("session/init", "not started")
    OfflinePlayer(server, "late").begin()
    assert "not started" not in listed(players[1]) and len(listed(players[1])) == MAX_SESSIONS
    refused = OfflinePlayer(server, "refused")
    refused.say("session/init", "refused")
    ((code, text),) = refused.named("error")
    assert code == 10 and str(MAX_SESSIONS) in text
    players[1].say("session/stop")
    refused.forget()
    refused.begin()
