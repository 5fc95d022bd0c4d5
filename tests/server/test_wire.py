"""Bundles, numbers and questions on a real socket."""

from __future__ import annotations

import json
import socket
import struct

import pytest
from musician import Musician, addresses, named, opened_bars
from stand_in import StandIn
from transcript import settle

from midigpt_server.client import Client, NumberedStream
from midigpt_server.protocol import osc
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.parameters import PARAMETERS
from midigpt_server.server import Server


def test_a_date_is_an_ntp_time_tag() -> None:
    note = Message("/midigpt/generated/note", (1, 2, 60, 80, 0.0, 0.5), "iiiiff", 1_700_000_000.25)
    (datagram,) = osc.encode_all([note])
    assert datagram[:8] == b"#bundle\0"
    seconds, fraction = struct.unpack(">II", datagram[8:16])
    assert (seconds, fraction) == (1_700_000_000 + 2_208_988_800, 1 << 30)
    assert osc.decode(datagram) == [note]


def test_messages_of_one_time_share_bundles_of_at_most_1400_bytes() -> None:
    notes = [
        Message("/midigpt/generated/note", (1, 2, n % 128, 80, 0.0, 0.5), "iiiiff", 1e9 + n // 50)
        for n in range(100)
    ]
    datagrams = osc.encode_all([*notes, Message("/midigpt/generated/close", (1, 2), "ii")])
    assert max(map(len, datagrams)) <= 1400 and len(datagrams) == 7
    assert [m for d in datagrams[:-1] for m in osc.decode(d)] == notes
    assert not datagrams[-1].startswith(b"#bundle")


def test_numbers_come_in_the_bundle_before_their_message() -> None:
    (datagram,) = osc.encode_all([Message("/midigpt/status", ("ready",), "s", None, 7)])
    assert datagram[8:16] == b"\0" * 7 + b"\1", "at once"
    assert [m[:2] for m in osc.decode(datagram)] == [
        ("/midigpt/seq", (7,)),
        ("/midigpt/status", ("ready",)),
    ]


def test_dated_bundles_arrive(musician: Musician, backend: StandIn) -> None:
    musician.begin(buffer_bars=2, timetags=1)
    musician.send("tempo", 120)
    notes = [m for m in musician.play(0) if m.address.endswith("/note")]
    assert [m.arguments[2] for m in notes] == [42, 42]
    assert notes[0].time is not None and notes[1].time is not None
    assert notes[1].time - notes[0].time == pytest.approx(1.0, abs=1e-6)


def test_D39_lost_messages_are_asked_for_and_come_in_order(server: Server) -> None:
    class LossyClient(Client):
        """Loses the second bundle and the fourth, which brings the second again."""

        bundles = 0

        def _receive_packet(self) -> bytes:
            packet = super()._receive_packet()
            self.bundles += packet.startswith(b"#bundle")
            is_lost = packet.startswith(b"#bundle") and self.bundles in (2, 4)
            return self._receive_packet() if is_lost else packet

    with LossyClient(port=server.port) as client:
        client.send("/midigpt/session/init")
        client.wait_for("/midigpt/session/id")
        for address, *arguments in (
            ("track/create", 0, 0, 10, 0),
            ("track/create", 1, 0, 10, 1),
            ("param/set", "buffer_bars", 2),
            ("param/set", "sequence", 1),
            ("session/start",),
        ):
            client.send(f"/midigpt/{address}", *arguments)
        heard: list[Message] = []
        for bar in range(4):
            client.send("/midigpt/bar/end", bar, 4, 4)
            heard += settle(client)
        client.send("/midigpt/session/stop")
        heard += client.receive_until(lambda m: m.address == "/midigpt/session/stopped")
        numbered = [m for m in heard if m.number is not None]
    assert [m.number for m in numbered] == list(range(1, len(numbered) + 1))
    assert opened_bars(numbered) == [2, 3, 4, 5]
    assert len(named(numbered, "generated/note")) == 8
    assert client.bundles >= 6


def test_what_the_server_does_not_have_any_more_is_given_up() -> None:
    stream = NumberedStream()

    def packet(number: int) -> list[Message]:
        return [Message(osc.SEQUENCE, (number,), "i"), Message("/x", (number,), "i")]

    def heard(number: int) -> list[int]:
        return [m.arguments[0] for m in stream.in_order(packet(number))]

    assert stream.missing(0.0) is None
    assert heard(5) == [5] and heard(7) == [] and stream.missing(0.0) == (6, 6)
    assert stream.missing(0.01) is None and stream.missing(0.11) == (6, 6)
    assert heard(6) == [6, 7] and heard(6) == [] and stream.missing(1.0) == (8, 2**31 - 2)
    late = [heard(number) for number in range(9, 9 + osc.KEPT_MESSAGES + 1)]
    assert late[-1] == list(range(9, 9 + osc.KEPT_MESSAGES + 1)) and not any(late[:-1])


def test_D38_questions_have_answers(musician: Musician) -> None:
    musician.begin()
    parameters = json.loads(named(musician.ask("param/query"), "param/list")[0][0])
    assert set(parameters) == set(PARAMETERS)
    assert parameters["top_p"]["range"] == "float > 0 and <= 1"
    tracks = json.loads(named(musician.ask("track/query"), "track/list")[0][0])["tracks"]
    assert [(t["track_id"], t["is_agent"]) for t in tracks] == [(0, False), (1, True)]
    assert addresses(musician.ask("model/query")) == ["capabilities", "model"]


def test_an_old_client_never_gets_a_bundle(server: Server) -> None:
    """What MIDI-GPT 0.4.2 never sent: by default, nothing is bundled, dated or numbered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(5)
        for message in (
            ("/midigpt/session/init", ()),
            ("/midigpt/track/create", (0, 0, 10, 0)),
            ("/midigpt/track/create", (1, 0, 10, 1)),
            ("/midigpt/param/set", ("buffer_bars", 2)),
            ("/midigpt/session/start", ()),
            ("/midigpt/bar/end", (0, 4, 4)),
        ):
            plain.sendto(osc.encode(*message), ("127.0.0.1", server.port))
        while True:
            datagram = plain.recv(65535)
            assert datagram.startswith(b"/midigpt/")
            if b"ready\0\0\0" in datagram and b"status" in datagram:
                break


def test_each_hole_is_asked_for_at_once() -> None:
    stream = NumberedStream()

    def heard(number: int) -> list[int | None]:
        marked = [Message(osc.SEQUENCE, (number,)), Message("/x")]
        return [message.number for message in stream.in_order(marked)]

    for number in (1, 3, 5):
        heard(number)
    assert stream.missing(0.0) == (2, 2) and stream.missing(0.01) is None
    assert heard(2) == [2, 3]
    assert stream.missing(0.02) == (4, 4), "not only a tenth of a second after the first"
