"""A server that lives and cannot serve is left by every kind of client, and the one behind its name is found."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from kombu import Connection
from kombu.messaging import Consumer
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_connections import client
from fallbacks.store.redis_store import RedisStore
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.clients.celery_queue import queue


@dataclass
class Pair:
    """Two servers behind one address, which names the first."""

    first: ValkeyServer
    second: ValkeyServer
    proxy: TcpProxy

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.proxy.port}/0"

    def fail_over(self, unfit: str) -> None:
        """The name moves to the second; the first lives on with its connections, unfit in one way."""
        with self.first.client() as redis:
            match unfit:
                case "READONLY":
                    redis.replicaof("127.0.0.1", self.second.port)
                case "MASTERDOWN":
                    redis.config_set("replica-serve-stale-data", "no")
                    redis.replicaof("127.0.0.1", "1")
                case "NOREPLICAS":
                    redis.config_set("min-replicas-to-write", 1)
        self.proxy.move(self.second.port)


@pytest.fixture(params=["READONLY", "MASTERDOWN", "NOREPLICAS"])
def unfit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["valkey", "redis"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    start: Callable[..., ValkeyServer] = request.getfixturevalue(f"start_{request.param}")
    first, second = start(), start()
    with TcpProxy(first.port) as proxy:
        yield Pair(first, second, proxy)


def test_the_store_goes_on_at_the_new_primary_by_every_pool_of_its(pair: Pair, unfit: str) -> None:
    async def story() -> None:
        store = RedisStore(pair.url)
        try:
            await asyncio.gather(*(store.tick("before", 60) for _ in range(300)))  # more than one connection
            await asyncio.gather(*(store.put("hash", {"field": "before"}) for _ in range(4)))
            pair.fail_over(unfit)
            await asyncio.gather(*(store.tick("after", 60) for _ in range(300)))
            await asyncio.gather(*(store.put("hash", {"field": "after"}) for _ in range(4)))
        finally:
            await store.aclose()

    asyncio.run(story())
    with pair.second.client() as redis:
        assert redis.get("deskhand:after") == "300"
        assert redis.hget("deskhand:hash", "field") == "after"


def test_a_client_that_blocks_leaves_the_old_primary(pair: Pair, unfit: str) -> None:
    with client(pair.url) as blocking:
        blocking.set("name", "before")
        pair.fail_over(unfit)
        with pytest.raises(RedisError, match=r"READONLY|read only|MASTERDOWN|MASTER|NOREPLICAS"):
            blocking.set("name", "lost")
        blocking.set("name", "after")
    with pair.second.client() as redis:
        assert redis.get("name") == "after"


def test_a_consumer_of_the_queues_connects_anew(pair: Pair, unfit: str) -> None:
    transport = "worker.queue.redis_channel:Transport"
    with Connection(pair.url, transport=transport) as connection:
        found: list[object] = []

        def consume() -> None:
            with Consumer(connection.default_channel, [queue("tickets", amqp=False)], on_message=found.append):
                connection.drain_events(timeout=0.2)

        with pytest.raises(TimeoutError):
            consume()
        pair.fail_over(unfit)

        def left() -> bool:
            try:
                consume()
            except TimeoutError:
                return False
            except connection.connection_errors:
                return True
            return False

        wait_for(left, 20, "the consumer to hear it")
        connection.close()
        with pytest.raises(TimeoutError):
            consume()
    with pair.second.client() as redis:
        assert redis.exists("_kombu.binding.tickets")


def test_a_user_that_may_not_write_is_told_once_and_no_retry_helps(start_valkey: Callable[..., ValkeyServer]) -> None:
    server = start_valkey()
    with server.client() as redis:
        redis.acl_setuser("ro", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@read", "+@connection"])

    async def story() -> None:
        store = RedisStore(f"redis://ro:pw@127.0.0.1:{server.port}/0")
        try:
            with pytest.raises(Exception, match=r"NoPermissionError.*evalsha"):
                await store.tick("x", 60)
        finally:
            await store.aclose()

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_a_server_that_takes_no_call_now_is_unreachable_and_no_fault_of_ours(
    request: pytest.FixtureRequest, kind: str
) -> None:
    server: ValkeyServer = request.getfixturevalue(f"start_{kind}")()

    async def refused(store: RedisStore) -> bool:
        try:
            await store.tick("x", 60)
        except StoreUnreachable:
            return True
        return False

    async def story(operator: Redis) -> None:
        store = RedisStore(server.url)
        try:
            assert not await refused(store)
            operator.execute_command("ACL", "SETUSER", "default", "resetkeys", "~other:*")
            assert await refused(store)
            operator.execute_command("ACL", "SETUSER", "default", "allkeys")
            operator.config_set("busy-reply-threshold", 1)
            with ThreadPoolExecutor(1) as thread:
                endless = thread.submit(_until_killed, server)
                await asyncio.to_thread(wait_for, lambda: _is_busy(operator))
                assert await refused(store)
                operator.script_kill()
                endless.result()
            assert not await refused(store)
        finally:
            await store.aclose()

    with server.client() as operator:
        asyncio.run(story(operator))


def _is_busy(operator: Redis) -> bool:
    try:
        return not operator.ping()
    except ResponseError:
        return True


def _until_killed(server: ValkeyServer) -> None:
    with server.client() as redis, pytest.raises(ResponseError, match="killed"):
        redis.eval("while true do end", 0)


NO_SENTINEL = (b"HTTP/1.1 200 OK\r\n", b"*1\r\n$1\r\na\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b":5\r\n")


@pytest.mark.parametrize("answer", NO_SENTINEL)
def test_what_is_no_sentinel_is_passed_over_for_the_next(valkey_url: str, answer: bytes) -> None:
    host, port = "127.0.0.1", urlsplit(valkey_url).port
    primary = f"*2\r\n${len(host)}\r\n{host}\r\n${len(str(port))}\r\n{port}\r\n"

    async def story() -> str:
        none = await asyncio.start_server(_saying(answer), host, 0)
        sentinel = await asyncio.start_server(_saying(primary.encode()), host, 0)
        hosts = ",".join(f"{host}:{server.sockets[0].getsockname()[1]}" for server in (none, sentinel))
        url = f"redis+sentinel://{hosts}/mymaster/0"
        store = RedisStore(url)
        try:
            await store.tick("x", 60)
            with client(url) as blocking:
                return str(await asyncio.to_thread(blocking.ping))
        finally:
            await store.aclose()
            none.close()
            sentinel.close()

    assert asyncio.run(story()) == "True"


def _saying(answer: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that answers so to whatever asks for a primary, and fine to all else."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(4096):
            writer.write(answer if b"SENTINEL" in asked.upper() else b"+OK\r\n")
        writer.close()

    return speak
