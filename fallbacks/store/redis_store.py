"""The store in Redis or Valkey: Lua scripts by EVALSHA, reads in one trip each."""

import re
from asyncio import gather
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, cast

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import BusyLoadingError, NoScriptError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.store import keys
from fallbacks.store.clock_watch import ClockWatch
from fallbacks.store.redis_answers import answered
from fallbacks.store.redis_batches import RedisBatches
from fallbacks.store.redis_connections import async_client
from fallbacks.store.redis_lent import LentConnections

CONNECTIONS = 8
"""For plain reads, and as many for batches: one of them carries hundreds of calls at a time."""

FEW = 8
"""Rows that are read with whatever else is asked at the moment, as a run does; more have a trip of their own."""

REPLICATED = frozenset({"accept", "reject", "begin_effect", "move"})
"""Scripts after which somebody relies on what was written."""

RETRIES = 6
"""Bounded tries over about five seconds: a restarting server is waited for, a dead one is reported."""


class RedisStore:
    """Implements `fallbacks.store.port.Store`. One instance per event loop.

    url: see `redis_url`. prefix: before every key, so that a database can be shared. replicas: that must have an
    accept, a decision or an effect's intent; with fewer its caller gets `StoreUnreachable`, though it may be written.
    """

    def __init__(self, url: str, prefix: str = "deskhand:", replicas: int = 0) -> None:
        self.prefix = prefix
        retry = Retry(
            ExponentialWithJitterBackoff(cap=2.0, base=0.05),
            RETRIES,
            supported_errors=(RedisConnectionError, RedisTimeoutError, BusyLoadingError),
        )
        self.redis = async_client(url, connections=CONNECTIONS, retry=retry, socket_timeout=5, decode_responses=True)
        self._batched = async_client(url, connections=CONNECTIONS, socket_timeout=None, decode_responses=True)
        lent = LentConnections(self._batched)
        self._batches = RedisBatches(lent, retry)
        self._replicated = RedisBatches(lent, retry, replicas) if replicas else self._batches
        self.clock = ClockWatch(self._script)

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        """EVALSHA, together with other calls of the moment; the script is sent once per server."""
        await self.clock.keep_up()
        return await self._script(script, ticket_id, *args)

    async def _script(self, script: str, ticket_id: str, *args: str | int) -> Any:
        body, sha = load_script(script)
        batches = self._replicated if script in REPLICATED else self._batches
        try:
            return await answered(batches.run(("EVALSHA", sha, 1, self.prefix, self.prefix, ticket_id, *args)))
        except NoScriptError:
            return await answered(batches.run(("EVAL", body, 1, self.prefix, self.prefix, ticket_id, *args)))

    async def row(self, ticket_id: str) -> dict[str, str]:
        return await self.fields(keys.ticket(ticket_id))

    async def rows(self, ticket_ids: Sequence[str], fields: Sequence[str]) -> list[list[str | None]]:
        if len(ticket_ids) <= FEW:
            asked = (self._batches.run(("HMGET", self.prefix + keys.ticket(one), *fields)) for one in ticket_ids)
            return await answered(gather(*asked))
        pipe = self.redis.pipeline(transaction=False)
        for ticket_id in ticket_ids:
            pipe.hmget(self.prefix + keys.ticket(ticket_id), list(fields))
        return await answered(pipe.execute())

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:
        return await self.listed(keys.journal(ticket_id), start, stop)

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:
        found = self.redis.zrange(self.prefix + index, start, stop, withscores=True)
        return [(member, float(score)) for member, score in cast("list[tuple[str, float]]", await answered(found))]

    async def sizes(self, indexes: Sequence[str]) -> list[int]:
        pipe = self.redis.pipeline(transaction=False)
        for name in indexes:
            pipe.zcard(self.prefix + name)
        return await answered(pipe.execute())

    async def listed(self, name: str, start: int, stop: int) -> list[str]:
        return cast("list[str]", await answered(self._batches.run(("LRANGE", self.prefix + name, start, stop))))

    async def length(self, name: str) -> int:
        return int(await answered(self._batches.run(("LLEN", self.prefix + name))))

    async def fields(self, name: str) -> dict[str, str]:
        return cast("dict[str, str]", await answered(self._batches.run(("HGETALL", self.prefix + name))))

    async def put(self, name: str, values: Mapping[str, str | None]) -> None:
        pipe = self.redis.pipeline(transaction=True)
        for field, value in values.items():
            if value is None:
                pipe.hdel(self.prefix + name, field)
            else:
                pipe.hset(self.prefix + name, field, value)
        await answered(pipe.execute())

    async def tick(self, name: str, window_seconds: int, count: int = 1) -> int:
        return int(await self.run("tick", "", name, window_seconds, count))

    async def now_ms(self) -> int:
        await self.clock.keep_up()
        seconds, micros = await answered(self._batches.run(("TIME",)))
        return await self.clock.store_ms(int(seconds) * 1000 + int(micros) // 1000)

    async def aclose(self) -> None:
        """Close every connection."""
        for client in (self.redis, self._batched):
            await client.aclose(close_connection_pool=True)  # a pool that was passed in is otherwise left open


PARTS = ("prelude", "alerts", "money", "breaker", "inbox", "figures", "server", "rates")
"""Files of functions, `lua/_<part>.lua`, in the order in which one may need another."""

_FUNCTION = re.compile(r"^local function (\w+)(?:[^\n]* end|.*?\nend)$", re.MULTILINE | re.DOTALL)


@cache
def load_script(name: str) -> tuple[str, str]:
    """(source, SHA-1) of `lua/<name>.lua`, after the functions that it calls and what the prelude does in any case."""
    body = _code(name)
    for part in reversed(PARTS):
        for function, source in reversed(_pieces(_code(f"_{part}"))):
            if not function or re.search(rf"\b{function}\b", body):
                body = f"{source}\n{body}"
    return body, sha1(body.encode(), usedforsecurity=False).hexdigest()


def _code(name: str) -> str:
    """Without comments."""
    source = (files("fallbacks.store") / "lua" / f"{name}.lua").read_text()
    lines = [line.partition("--")[0].rstrip() for line in source.splitlines()]
    return "\n".join(line for line in lines if line)


def _pieces(code: str) -> list[tuple[str, str]]:
    """Functions by their name, and under "" what stands between them, in order."""
    pieces, at = list[tuple[str, str]](), 0
    for found in _FUNCTION.finditer(code):
        pieces += [("", code[at : found.start()].strip()), (found[1], found[0])]
        at = found.end()
    return [piece for piece in (*pieces, ("", code[at:].strip())) if piece[1]]
