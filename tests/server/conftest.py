from __future__ import annotations

from collections.abc import Iterator

import pytest
from musician import Musician
from stand_in import StandIn

from midigpt_server.client import Client
from midigpt_server.server import Server
from midigpt_server.transports.udp import UdpTransport


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
