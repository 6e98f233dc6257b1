"""Real servers for the tests: started when first asked for, on free ports of 127.0.0.1, and ended with the session."""

import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, expect

from tests.services.browser import open_browser
from tests.services.certificates import read_once
from tests.services.cluster import Cluster
from tests.services.http_sink import HttpSink
from tests.services.postgres import PostgresServer, answers, fresh_database, open_folder
from tests.services.rabbitmq import RabbitMQServer, SharedRabbitMQ
from tests.services.redis import RedisServer
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

# a busy machine is no failure
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
expect.set_options(timeout=60_000)
read_once()

_RABBITMQ = pytest.StashKey[RabbitMQServer]()
_POSTGRES = pytest.StashKey[PostgresServer]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays: no collection of garbage walks all of it while it grows, nor ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests wait much: they go first, in two of xdist's four processes, and never last, when no other is left."""
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    files = list(dict.fromkeys(item.path for item in long))  # those of a file share its servers, so its process too
    first = [item for item in long if item.path in files[::2]]
    second = [item for item in long if item.path in files[1::2]]
    between = max(0, len(items) // 2 - len(first))
    items[:] = [*first, *rest[:between], *second, *rest[between:]]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Where xdist's workers are about to start: all share one PostgreSQL, and one RabbitMQ with a virtual host each."""
    if _RABBITMQ not in node.config.stash:
        node.config.stash[_RABBITMQ] = _rabbitmq_until_the_end(node.config)
    node.workerinput["rabbitmq"] = asdict(node.config.stash[_RABBITMQ].shared(node.gateway.id))
    if _POSTGRES not in node.config.stash:
        node.config.stash[_POSTGRES] = _postgres_until_the_end(node.config)
    node.workerinput["postgres"] = node.config.stash[_POSTGRES].url


def _rabbitmq_until_the_end(config: pytest.Config) -> RabbitMQServer:
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    server = RabbitMQServer(Path(folder.name), vhosts=[f"gw{number}" for number in range(16)]).launch()
    config.add_cleanup(server.stop)
    return server


def _postgres_until_the_end(config: pytest.Config) -> PostgresServer:
    folder = open_folder()
    config.add_cleanup(folder.cleanup)
    server = PostgresServer(Path(folder.name)).launch()
    config.add_cleanup(server.stop)
    return server


@pytest.fixture(scope="session")
def postgres_server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """xdist's, or where the tests run in one process, a server for them."""
    if started := getattr(request.config, "workerinput", {}).get("postgres"):
        wait_for(lambda: answers(started), message="PostgreSQL ready")
        yield started
    else:
        with open_folder() as folder, PostgresServer(Path(folder)) as server:
            yield server.url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> str:
    """A database with nothing in it."""
    return fresh_database(postgres_server_url)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """The session's shared Valkey. A test that harms its server takes one of its own from start_valkey."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The session's shared cluster of three masters. A test that harms one takes its own."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def cluster_url(cluster: Cluster) -> str:
    """A cluster with nothing in it."""
    cluster.flush()
    return cluster.url


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
def rabbitmq_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedRabbitMQ]:
    """xdist's, or where the tests run in one process, a node for them."""
    if started := getattr(request.config, "workerinput", {}).get("rabbitmq"):
        yield SharedRabbitMQ(**started).ready()
    else:
        with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq"), vhosts=["main"]) as server:
            yield server.shared("main")


@pytest.fixture
def rabbitmq_url(rabbitmq_server: SharedRabbitMQ) -> str:
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
