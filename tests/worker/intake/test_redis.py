"""Queue `intake` on Redis: taking is one script, and sending it again loses nothing."""

import asyncio

from redis.asyncio import Redis

from worker.intake.redis import _TAKE, BATCH
from worker.queue.names import lists_of


def test_a_take_that_is_sent_again_gives_the_same_items_and_overwrites_none(valkey_url: str) -> None:
    """redis-py's own default of retries has changed before; a second batch under the first one's ids was a loss."""

    async def main() -> None:
        async with Redis.from_url(valkey_url) as redis:
            await redis.lpush("intake", *(str(n) for n in range(BATCH + 10)))
            take, keys = redis.register_script(_TAKE), ["held", "index", *lists_of("intake")]
            first = await take(keys=keys, args=["once", BATCH, 60])
            assert await take(keys=keys, args=["once", BATCH, 60]) == first
            assert await redis.llen("intake") == 10
            assert await redis.hlen("held") == await redis.zcard("index") == BATCH

    asyncio.run(main())


def test_what_was_taken_before_the_clock_went_back_is_held_no_longer_than_usual(valkey_url: str) -> None:
    async def main() -> None:
        async with Redis.from_url(valkey_url) as redis:
            await redis.lpush("intake", "1")
            take, keys = redis.register_script(_TAKE), ["held", "index", *lists_of("intake")]
            (item, _) = await take(keys=keys, args=["dead", BATCH, 60])
            now, _ = await redis.time()
            await redis.zadd("index", {item: now + 3600})
            assert await take(keys=keys, args=["next", BATCH, 60]) == []
            assert now <= float(await redis.zscore("index", item)) < now + 600

    asyncio.run(main())
