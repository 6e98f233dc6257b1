import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.store.redis_batches import MOST, RedisBatches
from fallbacks.store.redis_lent import LentConnections
from tests.services.tcp_proxy import TcpProxy
from tests.services.valkey import ValkeyServer


def batched(url: str, work: Callable[[RedisBatches], Awaitable[None]], tries: int = 0) -> None:
    async def main() -> None:
        retry = Retry(NoBackoff(), tries, supported_errors=(RedisConnectionError, RedisTimeoutError))
        async with Redis.from_url(
            url, decode_responses=True, socket_timeout=None, retry=Retry(NoBackoff(), 0)
        ) as redis:
            await work(RedisBatches(LentConnections(redis), retry, seconds=1.0))

    asyncio.run(main())


def test_each_caller_gets_its_own_answer_or_error(valkey_url: str) -> None:
    async def work(batches: RedisBatches) -> None:
        calls = [batches.run(("ECHO", f"{n}")) if n % 7 else batches.run(("NO_SUCH_COMMAND",)) for n in range(3 * MOST)]
        for n, answer in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
            assert isinstance(answer, ResponseError) if n % 7 == 0 else answer == f"{n}"

    batched(valkey_url, work)


def test_what_cannot_be_sent_fails_its_own_caller_only(valkey_url: str) -> None:
    async def work(batches: RedisBatches) -> None:
        calls = (batches.run(("ECHO", text)) for text in ("before", "\ud800", "after"))
        before, unsendable, after = await asyncio.gather(*calls, return_exceptions=True)
        assert (before, after) == ("before", "after")
        assert isinstance(unsendable, UnicodeEncodeError)

    batched(valkey_url, work)


def test_calls_of_one_moment_share_a_trip(valkey_url: str) -> None:
    async def reads(redis: "Redis") -> int:
        return int((await redis.info("stats"))["total_reads_processed"])

    async def work(batches: RedisBatches) -> None:
        await batches.run(("PING",))
        before = await reads(batches.lent.redis)
        await asyncio.gather(*(batches.run(("PING",)) for _ in range(MOST)))
        assert await reads(batches.lent.redis) - before < MOST / 4

    batched(valkey_url, work)


def test_a_trip_that_hangs_is_overtaken(valkey_url: str) -> None:
    async def work(batches: RedisBatches) -> None:
        hanging = asyncio.ensure_future(batches.run(("BLPOP", "never", 30)))
        while not batches.under_way:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0)
        assert await batches.run(("ECHO", "later")) == "later"
        assert not hanging.done()
        await batches.run(("RPUSH", "never", "now"))
        assert list(await hanging) == ["never", "now"]

    batched(valkey_url, work)


def test_a_connection_that_the_server_has_closed_is_replaced_before_it_is_used(valkey_url: str) -> None:
    async def work(batches: RedisBatches) -> None:
        await batches.run(("PING",))
        (kept,) = batches.lent._free
        with suppress(RedisConnectionError):  # it ends the connection that asks, too
            await batches.lent.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
        while not await kept.can_read():  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0)
        assert await batches.run(("ECHO", "again")) == "again"
        assert batches.lent._free == [kept]

    batched(valkey_url, work)


def test_who_finds_no_connection_free_waits_for_one(valkey_url: str) -> None:
    async def main() -> None:
        async with BlockingConnectionPool.from_url(valkey_url, decode_responses=True, max_connections=1) as pool:
            batches = RedisBatches(LentConnections(Redis(connection_pool=pool)), Retry(NoBackoff(), 0))
            holding = asyncio.ensure_future(batches.run(("BLPOP", "nothing", 0.2)))
            while not batches.under_way:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0)
            assert await batches.run(("ECHO", "later")) == "later"
            assert await holding is None

    asyncio.run(main())


def test_what_nobody_waits_for_any_more_is_not_sent(valkey_url: str) -> None:
    async def work(batches: RedisBatches) -> None:
        given_up = asyncio.ensure_future(batches.run(("SET", "unwanted", "1")))
        await asyncio.sleep(0)  # it waits for its trip
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await batches.run(("EXISTS", "unwanted")) == 0

    batched(valkey_url, work)


def test_a_silent_connection_is_left_and_its_calls_go_by_another(valkey_server: ValkeyServer) -> None:
    with TcpProxy(valkey_server.port) as proxy:

        async def work(batches: RedisBatches) -> None:
            await batches.run(("PING",))
            proxy.stall()
            calls = (batches.run(("ECHO", f"{n}")) for n in range(5))
            assert await asyncio.gather(*calls) == ["0", "1", "2", "3", "4"]

        batched(f"redis://127.0.0.1:{proxy.port}/0", work, tries=2)


def test_a_silent_server_is_told_to_every_caller(valkey_server: ValkeyServer) -> None:
    with TcpProxy(valkey_server.port) as proxy:

        async def work(batches: RedisBatches) -> None:
            await batches.run(("PING",))
            proxy.stall()
            told = await asyncio.gather(*(batches.run(("PING",)) for _ in range(5)), return_exceptions=True)
            assert [type(error) for error in told] == [RedisTimeoutError] * 5

        batched(f"redis://127.0.0.1:{proxy.port}/0", work)


def test_a_lost_server_is_told_to_every_caller(start_valkey: Callable[..., ValkeyServer]) -> None:
    server = start_valkey()

    async def work(batches: RedisBatches) -> None:
        await batches.run(("PING",))
        server.kill9()
        told = await asyncio.gather(*(batches.run(("PING",)) for _ in range(5)), return_exceptions=True)
        assert [isinstance(error, RedisConnectionError) for error in told] == [True] * 5

    batched(server.url, work)
