"""Reduce replies to what is comparable between servers: everything but the music and the texts."""

from __future__ import annotations

import json
from typing import Any

from midigpt_server.client import Client
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import OUTBOUND

Reply = list[Any]  # [address, tags, arguments]

IN_0_4_2 = {address for address, row in OUTBOUND.items() if row.since_0_4_2}


def summary(replies: list[Reply]) -> list[str]:
    """One short text for each reply; asserts tags, and that each delivered bar is whole."""
    lines: list[str] = []
    notes_to_come: int | None = None
    for address, tags, arguments in replies:
        assert tags == OUTBOUND[address].tags, (address, tags)
        name = address.removeprefix("/midigpt/")
        if address not in IN_0_4_2:
            continue
        if name == "generated/open":
            assert notes_to_come is None, "a bar opens inside a bar"
            notes_to_come = arguments[2]
            lines.append(f"open track {arguments[0]} bar {arguments[1]}")
        elif name == "generated/note":
            assert lines[-1] == f"open track {arguments[0]} bar {arguments[1]}"
            assert notes_to_come is not None
            notes_to_come -= 1
            _check_note(*arguments[2:])
        elif name == "generated/close":
            assert lines[-1] == f"open track {arguments[0]} bar {arguments[1]}"
            assert notes_to_come == 0, "note_count is the number of notes"
            notes_to_come = None
            lines.append(f"close track {arguments[0]} bar {arguments[1]}")
        elif name == "generated/features":
            assert lines[-1] == f"close track {arguments[0]} bar {arguments[1]}"
        else:
            lines.append(_line(name, arguments))
    assert notes_to_come is None, "a bar was not closed"
    return lines


def _line(name: str, arguments: list[Any]) -> str:
    if name == "error":
        return f"error {arguments[0]}"
    if name == "capabilities":
        known = json.loads(arguments[0])
        assert all(isinstance(value, bool) for value in known.values())
        return "capabilities " + " ".join(sorted(key for key, value in known.items() if value))
    if name == "prompt/state":
        state = json.loads(arguments[0])
        tracks = (
            f"{track['id']}{'=agent' if track['is_agent'] else ''}:{''.join(track['states'])}"
            for track in state["tracks"]
        )
        window = f"bars {state['start_bar']}..{state['end_bar'] - 1}"
        return f"prompt target {state['target_bar']} {window} {' '.join(tracks)}"
    if name == "sampled/attrs":
        attrs = json.loads(arguments[0])
        return f"attrs {attrs['start_bar']}..{attrs['end_bar'] - 1}"
    return " ".join([name, *map(str, arguments)])


def _check_note(pitch: int, velocity: int, onset: float, duration: float) -> None:
    assert 0 <= pitch <= 127 and 0 < velocity <= 127
    assert 0 <= onset <= 0.99991 and 0.00009 <= duration <= 1.0


def settle(client: Client) -> list[Message]:
    """All replies up to the moment when this server has nothing more to do."""
    replies: list[Message] = []
    while True:
        client.send("/midigpt/session/query")
        replies += client.receive_until(lambda m: m.address == "/midigpt/session/state", 60)
        state = json.loads(replies.pop().arguments[0])
        if state["generating"] is None and state["waiting"] is None:
            return replies
        replies += client.receive_until(lambda m: m.arguments == ("ready",), 60)
