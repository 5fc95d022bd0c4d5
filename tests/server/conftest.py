from __future__ import annotations

from collections.abc import Iterator

import pytest
from midigpt_server.client import Client
from midigpt_server.server import Server
from stand_in import StandIn


@pytest.fixture
def backend() -> StandIn:
    return StandIn("ghost")


@pytest.fixture
def server(backend: StandIn) -> Iterator[Server]:
    with Server(backend, port=0) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(port=server.port) as client:
        yield client
