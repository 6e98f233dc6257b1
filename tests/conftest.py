"""Real servers for the tests: started when first asked for, on free ports of 127.0.0.1, and ended with the session."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.services.browser import open_browser
from tests.services.http_sink import HttpSink
from tests.services.rabbitmq import RabbitMQServer
from tests.services.redis import RedisServer
from tests.services.valkey import ValkeyServer


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """The session's shared Valkey. A test that harms its server takes one of its own from start_valkey."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """A Valkey with nothing in it."""
    valkey_server.flush()
    return valkey_server.url


@pytest.fixture
def start_valkey(tmp_path: Path) -> Iterator[Callable[..., ValkeyServer]]:
    """`start_valkey(maxmemory="5mb")`: a server of the test's own."""
    with ExitStack() as servers:
        yield lambda **config: servers.enter_context(ValkeyServer(_unused(tmp_path, "valkey"), **config))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server_url(redis_server: RedisServer) -> str:
    """Debian's Redis with nothing in it."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """`start_redis(appendonly="no")`: a server of the test's own."""
    with ExitStack() as servers:
        yield lambda **config: servers.enter_context(RedisServer(_unused(tmp_path, "redis"), **config))


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def rabbitmq_url(rabbitmq_server: RabbitMQServer) -> str:
    """The session's shared RabbitMQ: give queues unique names."""
    return rabbitmq_server.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module: Playwright's loop runs while it is open, so asyncio.run is for other modules."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh profile."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


def _unused(parent: Path, name: str) -> Path:
    return parent / f"{name}-{len(list(parent.glob(f'{name}-*')))}"
