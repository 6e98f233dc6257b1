"""A server on which one call of a script is tried in many ways, each from the same beginning."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import ResponseError

from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import Scene
from tests.fallbacks.store.script_calls import Call, message_of

CONTENTS = """
local found, names = {}, redis.call('KEYS', ARGV[1] .. '*')
table.sort(names)
local function of_hash(name)
  local flat, pairs = redis.call('HGETALL', name), {}
  for i = 1, #flat, 2 do pairs[#pairs + 1] = flat[i] .. '=' .. flat[i + 1] end
  table.sort(pairs)
  return table.concat(pairs, ';')
end
for _, name in ipairs(names) do
  local kind, value = redis.call('TYPE', name).ok
  if name == ARGV[1] .. 'clock' then value = '' -- whoever looks moves it on
  elseif kind == 'hash' then value = of_hash(name)
  elseif kind == 'list' then value = table.concat(redis.call('LRANGE', name, 0, -1), ';')
  elseif kind == 'zset' then value = table.concat(redis.call('ZRANGE', name, 0, -1, 'WITHSCORES'), ';')
  else value = redis.call('GET', name) end
  found[#found + 1] = name
  found[#found + 1] = kind .. ' ' .. value
  found[#found + 1] = redis.call('PTTL', name) > 0 and 1 or 0
end
return found
"""

KEEP = """
for _, name in ipairs(redis.call('KEYS', '*')) do
  local value, life = redis.call('DUMP', name), math.max(0, redis.call('PTTL', name))
  redis.call('SELECT', 1)
  redis.call('HSET', 'values', name, value)
  redis.call('HSET', 'lives', name, life)
  redis.call('SELECT', 0)
end
"""
"""Every key of the first database as it is, kept in the second."""

RESTORE = """
redis.call('FLUSHDB')
redis.call('SELECT', 1)
local values, lives = redis.call('HGETALL', 'values'), redis.call('HGETALL', 'lives')
redis.call('SELECT', 0)
local life = {}
for i = 1, #lives, 2 do life[lives[i]] = lives[i + 1] end
for i = 1, #values, 2 do redis.call('RESTORE', values[i], life[values[i]], values[i + 1]) end
"""
"""In the server: a round trip for each key, some ten thousand times, would take half a minute."""


class Bench:
    """A server on which one call is tried in many ways, each from the same beginning."""

    def __init__(self, url: str, call: Call) -> None:
        self.store = RedisStore(url, "whole:")
        self.store.clock.seconds = float("inf")
        self.scene = Scene(self.store)
        self.call = call

    async def begin(self) -> None:
        await self.store.redis.flushdb()
        await fill(self.scene)
        today = str(await self.store.now_ms() // 86_400_000)
        if self.call.first:
            await self.call.first(self.scene)
        await self.store.redis.delete(f"{self.store.prefix}{keys.CLOCK}")  # a snapshot of an old one would be a step
        filled = {
            "MESSAGE": await message_of(self.scene) if "MESSAGE" in self.call.args else "",
            "VERSION": (await self.store.row("decided"))["version"],
            "EVENTS": str(len(await self.store.journal("decided"))),
            "LINE": (await self.store.listed(keys.CONTROL_LOG, 0, 0) or [""])[0],
            "TODAY": today,
        }
        if self.call.script == "leaving_drop":
            await self.store.run("settle_outbox", "decided", await message_of(self.scene), "delivered", 0, "")
        args = tuple(filled.get(arg, arg) if isinstance(arg, str) else arg for arg in self.call.args)
        self.call = Call(self.call.script, self.call.ticket_id, args, name=self.call.name)


async def restored(store: RedisStore) -> None:
    """The server as it was when `KEEP` ran."""
    await store.redis.eval(RESTORE, 0)


async def contents(store: RedisStore) -> list[Any]:
    """What every key holds, in one order, and whether it will be forgotten."""
    found: list[Any] = await store.redis.eval(CONTENTS, 0, store.prefix)
    return found


async def whole(bench: Bench, call: Call, what: str) -> bool:
    """Whether the call did its work; where it did not, nothing may be written."""
    before = await contents(bench.store)
    try:
        await call.run(bench.store)
    except ResponseError:
        after = await contents(bench.store)
        assert after == before, f"{call}: half a write with {what}"
        return False
    return True


def play(url: str, call: Call, story: Callable[[Bench], Awaitable[None]]) -> None:
    async def tried() -> None:
        bench = Bench(url, call)
        try:
            await bench.begin()
            await bench.store.redis.eval(KEEP, 0)
            await story(bench)
        finally:
            await bench.store.aclose()

    asyncio.run(tried())
