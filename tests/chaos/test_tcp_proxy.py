"""The proxy's faults are what a client sees of a bad network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer


@pytest.fixture
def proxy(valkey_server: ValkeyServer) -> Iterator[TcpProxy]:
    with TcpProxy(valkey_server.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[Redis]:
    with Redis(port=proxy.port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0), single_connection_client=True) as one:
        assert one.ping()
        yield one


def test_a_silent_connection_stays_open_and_a_new_one_works(proxy: TcpProxy, client: Redis) -> None:
    proxy.stall()
    with pytest.raises(RedisTimeoutError):
        client.ping()
    client.connection_pool.disconnect()
    with Redis(port=proxy.port, socket_timeout=2) as another:
        assert another.ping()


def test_a_deaf_proxy_takes_connections_and_answers_none(proxy: TcpProxy) -> None:
    proxy.deaf = True
    with (
        Redis(port=proxy.port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)) as another,
        pytest.raises(RedisTimeoutError),
    ):
        another.ping()


def test_a_cut_resets_and_a_delay_delays(proxy: TcpProxy, client: Redis) -> None:
    proxy.delay_seconds = 0.4
    with pytest.raises(RedisTimeoutError):
        client.ping()
    proxy.delay_seconds = 0.0
    with Redis(port=proxy.port, socket_timeout=2, retry=Retry(NoBackoff(), 0), single_connection_client=True) as other:
        assert other.ping()
        proxy.cut()
        with pytest.raises((RedisConnectionError, OSError)):
            other.ping()


def test_a_server_that_is_away_is_away_through_the_proxy(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    with (
        TcpProxy(server.port) as proxy,
        Redis(port=proxy.port, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises((RedisConnectionError, OSError)),
    ):
        client.ping()
