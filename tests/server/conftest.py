from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from musician import Musician
from stand_in import StandIn

from midigpt_server.client import Client
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that the tests start keep their journals to themselves."""
    monkeypatch.setenv("MIDIGPT_DATA", str(tmp_path / "midigpt-data"))


@pytest.fixture
def backend() -> StandIn:
    return StandIn("ghost")


@pytest.fixture
def server(backend: StandIn) -> Iterator[Server]:
    with Server(backend, [UdpTransport(port=0)]) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(port=server.port) as client:
        yield client


@pytest.fixture
def musician(client: Client) -> Musician:
    return Musician(client)
