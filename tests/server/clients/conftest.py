"""Real programs as clients: where they are, and a real server with the bundled model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from udp_proxy import UdpProxy

from midigpt.inference import InferenceEngine
from midigpt_server.generation.engine_backend import EngineBackend
from midigpt_server.protocol.inbound import INBOUND
from midigpt_server.protocol.osc import Message
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport


@pytest.fixture(scope="session")
def find_program() -> Callable[[str], str]:
    """The path of a program; the test is skipped without it, but under continuous integration it
    fails."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed: tests/programs.sh")
        if path is None:
            pytest.skip(f"{name} is not installed: tests/programs.sh installs it")
        return path

    return find


@pytest.fixture(scope="module")
def bundled_backend() -> EngineBackend:
    engine = InferenceEngine.from_pretrained(weights="int8")
    engine.warmup()
    return EngineBackend(engine)


@pytest.fixture
def wire(bundled_backend: EngineBackend) -> Iterator[UdpProxy]:
    """A proxy that records what passes between the program and a server with the bundled model."""
    with Server(bundled_backend, [UdpTransport(port=0)]) as server, UdpProxy(server.port) as proxy:
        yield proxy
        for message in proxy.wire.to_server:
            check_types(message)


def check_types(message: Message) -> None:
    """What a program sends has the types of the table: no fraction where an int is wanted, no text
    where a number is. (Pure Data knows floats only.)"""
    row = INBOUND[message.address]
    assert len(message.arguments) <= len(row.fields), message
    for field, argument in zip(row.fields, message.arguments, strict=False):
        wanted = {"string": str, "any": object}.get(field.kind, (int, float))
        assert isinstance(argument, wanted), f"{message.address}: {field.name} = {argument!r}"
        if field.kind in ("int", "bool"):
            assert argument == int(argument), f"{message.address}: {field.name} = {argument!r}"
