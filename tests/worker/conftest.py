"""`web`: one served application a module, with an empty store for every test."""

from collections.abc import Iterator

import pytest

from tests.services.valkey import ValkeyServer
from tests.worker.http.served import Served


@pytest.fixture(scope="module")
def _served(valkey_server: ValkeyServer) -> Iterator[Served]:
    with Served(valkey_server.url) as served:
        yield served


@pytest.fixture
def web(_served: Served, valkey_url: str) -> Served:
    return _served
