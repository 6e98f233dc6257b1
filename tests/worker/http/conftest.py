"""`api`: a client of `web`."""

import httpx
import pytest

from tests.worker.http.served import Served


@pytest.fixture
def api(web: Served) -> httpx.Client:
    """A client with every scope."""
    return web.client(web.key())
