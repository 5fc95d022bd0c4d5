"""What the clients say and expect, by their sources, is what the table of messages has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from midigpt_server.protocol import clients as made_from_tables
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.outbound import OUTBOUND
from midigpt_server.protocol.parameters import PARAMETERS, TRACK_PARAMETERS

ROOT = Path(__file__).parents[3]
QUARK = sorted((ROOT / "clients/supercollider/Classes").glob("*.sc"))
PATCHES = sorted((ROOT / "clients/pd").glob("*.pd"))
PYTHON = [
    ROOT / "server/midigpt_server/client.py",
    *sorted((ROOT / "server/midigpt_server/demo").glob("*.py")),
    *sorted((ROOT / "server/midigpt_server/commands").glob("*.py")),
]
ADDRESS = r"/midigpt/[a-z_/]+"
#: of Pure Data: what the abstraction itself says at its right outlet
OWN_REPLIES = {"late"}


def check_call(address: str, count: int) -> None:
    """The client may send so many arguments to this address."""
    row = INBOUND[f"/midigpt/{address}"]
    least = sum(field.required for field in row.fields)
    assert least <= count <= len(row.fields), f"{address} with {count} arguments"


# --- SuperCollider ---------------------------------------------------------------------------


def test_what_is_made_from_the_tables_is_committed() -> None:
    for path, text in made_from_tables.files().items():
        assert (ROOT / "clients" / path).read_text(encoding="utf-8") == text, (
            f"{path}: run python -m midigpt_server.protocol.clients clients"
        )


def test_supercollider_sends_by_name() -> None:
    """The classes written by hand have no addresses of their own."""
    known = {made_from_tables.method_name(a.removeprefix("/midigpt/")) for a in INBOUND}
    by_hand = [path for path in QUARK if path.stem != "MidiGPTMessages"]
    source = "\n".join(re.sub(r"//.*", "", path.read_text(encoding="utf-8")) for path in by_hand)
    used = set(re.findall(r"\b(?:this|session)\.(send[A-Z]\w*)", source))
    assert {"sendSessionInit", "sendTrackRemove", "sendAgentRemove", "sendBarEnd"} <= used <= known
    assert 'send("' not in source


def test_supercollider_hears_what_the_table_has() -> None:
    (source,) = (path.read_text(encoding="utf-8") for path in QUARK if path.stem == "MidiGPT")
    responders = re.findall(r'"([a-z/]+)" -> \{ (?:\|([^|]*)\|)?', source)
    assert len(responders) >= 10
    for address, text in responders:
        row = OUTBOUND[f"/midigpt/{address}"]
        wanted = [name.strip() for name in text.split("...")[0].split(",") if name.strip()]
        assert len(wanted) <= len(row.arguments), address
        if "..." in text:  # the rest goes to hearNote
            (track,) = (path.read_text("utf-8") for path in QUARK if path.stem == "MidiGPTTrack")
            method = re.search(r"hearNote \{ \|([^|]*)\|", track)
            assert method is not None
            names = [name.strip() for name in method[1].split(",")]
            assert names == [name.removesuffix("_index") for name in _short(row.arguments[1:])]
        else:
            for position, name in enumerate(wanted):
                assert _short((row.arguments[position],))[0] in (name, *_synonyms(name)), (
                    f"{address}: argument {position} is {row.arguments[position]}, not {name}"
                )


def _short(names: tuple[str, ...]) -> list[str]:
    return [{"bar_index": "index", "track_id": "track"}.get(name, name) for name in names]


def _synonyms(name: str) -> tuple[str, ...]:
    return ("track",) if name == "id" else ()


# --- Pure Data -------------------------------------------------------------------------------


def objects(patch: Path) -> list[list[str]]:
    """The words of each object and message box of a patch, its subpatches included."""
    text = patch.read_text(encoding="utf-8").replace("\n", " ")
    records = re.split(r"(?<!\\);", text)
    return [record.split()[1:] for record in records if record.split()[:1] == ["#X"]]


def test_pure_data_sends_what_the_table_has() -> None:
    prepended = set()
    for patch in PATCHES:
        for kind, *words in objects(patch):
            body = words[2:]
            if kind == "obj" and body[:2] == ["list", "prepend"] and "/" in "".join(body[2:3]):
                prepended.add(body[2])
            if kind == "obj" and body == ["list", "prepend", "note"]:
                prepended.add("note")
            if kind == "msg" and body and f"/midigpt/{body[0]}" in INBOUND and "/" in body[0]:
                check_call(body[0], len(body) - 1)
                prepended.add(body[0])
    assert prepended == {
        *("session/init", "session/start", "session/stop", "track/create", "agent/create"),
        *("param/set", "attr/set", "bar/end", "note"),
    }, "and no other"
    for address in prepended:
        assert f"/midigpt/{address}" in INBOUND


def test_every_message_to_copy_is_one_that_the_server_takes() -> None:
    shown = [
        words[3:]
        for kind, *words in objects(ROOT / "clients/pd/midigpt-messages.pd")
        if kind == "msg"
    ]
    assert [f"/midigpt/{address}" for address, *_ in shown] == list(INBOUND)
    for address, *arguments in shown:
        INBOUND[f"/midigpt/{address}"].parse(arguments)


def test_pure_data_hears_what_the_table_has() -> None:
    routes = [
        words[3:]
        for kind, *words in objects(ROOT / "clients/pd/midigpt.pd")
        if kind == "obj" and words[2:3] == ["route"]
    ]
    first = {address.split("/")[2] for address in OUTBOUND}
    nested = {address.split("/")[3] for address in OUTBOUND if address.count("/") == 3}
    for names in routes:
        own = names[0] in ("play", "midigpt")  # the left inlet; what every message begins with
        assert own or set(names) <= first | nested | OWN_REPLIES, names
    assert ["ready", "started", "stopped"] in routes and ["open", "note", "flush"] in routes


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("generated/open", ("track_id", "bar_index", "note_count")),
        ("generated/note", ("track_id", "bar_index", "pitch", "velocity", "onset", "duration")),
        ("generated/flush", ("track_id", "bar_index")),
    ],
)
def test_what_pure_data_unpacks_by_position(address: str, arguments: tuple[str, ...]) -> None:
    """The patch has ``unpack`` with as many outlets; the table must not move them."""
    assert OUTBOUND[f"/midigpt/{address}"].arguments == arguments


# --- Python ----------------------------------------------------------------------------------


def test_python_says_and_expects_what_the_table_has() -> None:
    seen = set()
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(ADDRESS, str(node.value)):
                assert node.value in INBOUND or node.value in OUTBOUND, (path.name, node.value)
                seen.add(node.value)
            if isinstance(node, ast.Call) and _sends(node):
                address, *arguments = node.args if _name(node) == "send" else node.args[1:]
                assert isinstance(address, ast.Constant)
                if not any(isinstance(argument, ast.Starred) for argument in arguments):
                    check_call(str(address.value).removeprefix("/midigpt/"), len(arguments))
    assert {"/midigpt/resend", "/midigpt/session/init"} <= seen


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _sends(call: ast.Call) -> bool:
    place = {"send": 0, "send_at": 1}.get(_name(call))
    if place is None or len(call.args) <= place:
        return False
    address = call.args[place]
    return isinstance(address, ast.Constant) and str(address.value).startswith("/midigpt/")


# --- what their pages tell -------------------------------------------------------------------


def test_parameters_named_in_help_and_examples_exist() -> None:
    known = {*PARAMETERS, *TRACK_PARAMETERS}
    found = set()
    for folder in (ROOT / "clients", ROOT / "tests/server/clients"):
        for path in [*folder.rglob("*.scd"), *folder.rglob("*.schelp")]:
            found |= set(re.findall(r"\.set\(\\(\w+)", path.read_text(encoding="utf-8")))
        for path in folder.rglob("*.pd"):
            boxes = " ".join(" ".join(words) for kind, *words in objects(path) if kind == "msg")
            found |= set(re.findall(r"\bparam (\w+) ", boxes))
    assert "sampling_seed" in found
    assert found <= known, found - known
