"""OSCQuery and zeroconf: found and understood by programs that know only the standards."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from midigpt_server.commands import serve
from midigpt_server.discovery.advertise import Advertisement
from midigpt_server.discovery.oscquery import OscQuery
from midigpt_server.discovery.tree import Node, message_tree
from midigpt_server.protocol.inbound import INBOUND


@pytest.fixture
def query() -> Iterator[OscQuery]:
    query = OscQuery("stage left", "127.0.0.1", 7400)
    yield query
    query.close()


def get(query: OscQuery, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{query.port}{path}", timeout=5) as answer:
        assert answer.status != 200 or answer.headers["Content-Type"] == "application/json"
        return json.loads(answer.read() or "null")


def leaves(node: Node) -> Iterator[Node]:
    if node["ACCESS"]:
        yield node
    for child in node.get("CONTENTS", {}).values():
        yield from leaves(child)


def test_the_tree_has_every_message(query: OscQuery) -> None:
    root = get(query, "/")
    assert {leaf["FULL_PATH"] for leaf in leaves(root)} == set(INBOUND)
    assert all(len(leaf["TYPE"]) == len(leaf["RANGE"]) for leaf in leaves(root))
    assert root == message_tree()


def test_a_node_says_types_and_ranges(query: OscQuery) -> None:
    note = get(query, "/midigpt/note")
    assert (note["ACCESS"], note["TYPE"]) == (2, "iiiffi")
    assert note["RANGE"][1] == {"MIN": 0, "MAX": 127}
    assert get(query, "/midigpt/note?TYPE") == {"TYPE": "iiiffi"}
    assert get(query, "/midigpt/transport?RANGE")["RANGE"][0]["VALS"][0] == "play"
    assert "CONTENTS" in get(query, "/midigpt/session")
    assert get(query, "/midigpt/note?VALUE") is None, "204: it has none"


def test_host_info(query: OscQuery) -> None:
    info = get(query, "/?HOST_INFO")
    assert (info["NAME"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == ("stage left", 7400, "UDP")
    assert info["EXTENSIONS"]["LISTEN"] is False


@pytest.mark.parametrize(
    ("path", "code"), [("/nobody", 404), ("/midigpt/note?COLOUR", 400), ("/../etc", 404)]
)
def test_unknown_things(query: OscQuery, path: str, code: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(query, path)
    assert refusal.value.code == code


def test_only_questions_are_answered(query: OscQuery) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{query.port}/", data=b"x")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=5)
    assert refusal.value.code == 501


def test_it_is_found_by_zeroconf() -> None:
    zeroconf = pytest.importorskip("zeroconf")
    advertisement = Advertisement("midigpt test", "127.0.0.1", 7499)
    browser = zeroconf.Zeroconf(interfaces=["127.0.0.1"])
    try:
        osc = browser.get_service_info("_osc._udp.local.", "midigpt test._osc._udp.local.", 5000)
        json_ = browser.get_service_info(
            "_oscjson._tcp.local.", "midigpt test._oscjson._tcp.local.", 5000
        )
        assert osc is not None and json_ is not None
        assert (osc.parsed_addresses(), osc.port) == (["127.0.0.1"], 7499)
        assert get(advertisement.query, "/?HOST_INFO")["OSC_PORT"] == 7499
        assert json_.port == advertisement.query.port
    finally:
        browser.close()
        advertisement.close()


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    assert serve.main(["--advertise", "--port", "0", "--no-journal"]) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and "midigpt-live[discovery]" in text
