"""The store over a cluster: 64 logical shards, each a ledger as on one server, and home; together one ledger.

The layers above see one store. `routes` says where each script and key goes.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.store import keys
from fallbacks.store.cluster import everywhere, merging
from fallbacks.store.cluster.budget import Budgets
from fallbacks.store.cluster.pages import Pages
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.passing import Passing
from fallbacks.store.cluster.reads import read
from fallbacks.store.cluster.routes import SCRIPTS, Route, after_colon, pattern_of, route_of
from fallbacks.store.cluster.runs import Runs
from fallbacks.store.cluster.shard import Link, Shard
from fallbacks.store.cluster.switches import Switches
from fallbacks.store.cluster.turns import Turns

SHARDS = 64
"""Of a new ledger. One that is there keeps the number it began with."""


class _Opened:
    """What there is once the number of shards is known."""

    def __init__(self, home: Shard, shards: Sequence[Shard]) -> None:
        self.parts = Parts(home, tuple(shards))
        self.passing = Passing(self.parts)
        self.budgets = Budgets(self.parts)
        self.runs = Runs(self.parts, self.passing, self.budgets)
        self.turns = Turns(self.parts)
        self.switches = Switches(self.parts, self.passing, self.budgets)


class ClusterStore:
    """Implements `fallbacks.store.port.Store`. One instance per event loop. prefix: as of a store on one server."""

    def __init__(self, link: Link, prefix: str = "deskhand:") -> None:
        self.link = link
        self.prefix = prefix
        self.home = Shard("home", f"{prefix}{{home}}:", link)
        self._pages = Pages()
        self._opening: asyncio.Task[_Opened] | None = None

    async def opened(self) -> _Opened:
        """One for all who ask. Raises `StoreUnreachable`."""
        if self._opening is None or (self._opening.done() and (self._opening.cancelled() or self._opening.exception())):
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> _Opened:
        kept = await self.home.script("keep", "", keys.LAYOUT, "shards", json.dumps({"shards": SHARDS}))
        count = int(json.loads(kept)["shards"])
        return _Opened(self.home, [Shard(f"s{n:02}", f"{self.prefix}{{s{n:02}}}:", self.link) for n in range(count)])

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        """As `RedisStore.run`, wherever the script goes."""
        opened = await self.opened()
        parts = opened.parts
        match script:
            case "accept" | "begin_step" | "end_step" | "move":
                return await getattr(opened.runs, script)(ticket_id, *args)
            case "claim" if args[-1] == "1":  # a hint: whoever should go first
                return await opened.turns.claim(ticket_id, *args)
            case "control" | "sweep" | "take_alert" | "generation":
                return await getattr(opened.switches, script)(*args)
            case "examples":
                await opened.passing.pay()
        match SCRIPTS[script]:
            case Route.TICKET:
                return await parts.of(ticket_id).script(script, ticket_id, *args)
            case Route.ALL:
                return await everywhere.SCRIPTS[script](parts, *args)
            case Route.TAG if script in ("tick", "relist"):
                return await self._tagged(parts, script, str(args[0]), args)
            case Route.TAG:
                return await parts.of(str(args[0])).script(script, "", *args)
            case _:
                return await parts.home.script(script, "", *args)

    async def _tagged(self, parts: Parts, script: str, name: str, args: Sequence[str | int]) -> Any:
        if route_of(name) is Route.ALL:
            return sum(await parts.each(script, *args))
        return await self._one(parts, name).script(script, "", *args)

    def _one(self, parts: Parts, name: str) -> Shard:
        """The shard of a key that is in one only."""
        match route_of(name):
            case Route.TICKET:
                return parts.of(after_colon(name))
            case Route.TAG:
                return parts.of(name)
            case _:
                return parts.home

    async def row(self, ticket_id: str) -> dict[str, str]:
        return await self.fields(keys.ticket(ticket_id))

    async def rows(self, ticket_ids: Sequence[str], fields: Sequence[str]) -> list[list[str | None]]:
        found: list[list[str | None]] = await self.run("rows", "", len(fields), *fields, *ticket_ids)
        return found

    async def journal(self, ticket_id: str, start: int = 0, stop: int = -1) -> list[str]:
        return await self.listed(keys.journal(ticket_id), start, stop)

    async def ranked(self, index: str, start: int, stop: int) -> list[tuple[str, float]]:
        parts = (await self.opened()).parts
        if route_of(index) is not Route.ALL:
            return await self._one(parts, index).ranked(index, start, stop)
        return await self._pages.ranked(parts, index, start, stop)

    async def sizes(self, indexes: Sequence[str]) -> list[int]:
        return await self._sizes("ZCARD", indexes)

    async def length(self, name: str) -> int:
        return (await self._sizes("LLEN", [name]))[0]

    async def _sizes(self, command: str, names: Sequence[str]) -> list[int]:
        parts = (await self.opened()).parts
        spread = [name for name in names if route_of(name) is Route.ALL]
        found = dict(
            zip(spread, merging.by_place(await read(parts.all, *((command, name) for name in spread))), strict=True)
        )
        return [found[name] if name in found else await self._one(parts, name).command(command, name) for name in names]

    async def listed(self, name: str, start: int, stop: int) -> list[str]:
        opened = await self.opened()
        parts = opened.parts
        if name in (keys.EXAMPLES, keys.CALLS_JUDGED):
            await opened.passing.pay()
        if route_of(name) is not Route.ALL:
            found: list[str] = await self._one(parts, name).command("LRANGE", name, start, stop)
            return found
        lists = await parts.read(("LRANGE", name, 0, stop))
        return merging.newest_lines([lines for (lines,) in lists], start, stop)

    async def fields(self, name: str) -> dict[str, str]:
        parts = (await self.opened()).parts
        if route_of(name) is not Route.ALL:
            return await self._one(parts, name).fields(name)
        flats = await read(parts.all, ("HGETALL", name))
        found = [dict(zip(flat[::2], flat[1::2], strict=True)) for (flat,) in flats]
        if pattern_of(name) in ("out:*", "bounced:*"):  # in one shard; of a bounce the latest counts
            return max(found, key=lambda one: (bool(one), int(one.get("at", 0))))
        return merging.summed(found)

    async def put(self, name: str, values: Mapping[str, str | None]) -> None:
        opened = await self.opened()
        shard = await self._holder(opened.parts, name) if route_of(name) is Route.ALL else self._one(opened.parts, name)
        kept = [part for field, value in values.items() if value is not None for part in (field, value)]
        gone = [field for field, value in values.items() if value is None]
        if kept:
            await shard.command("HSET", name, *kept)
        if gone:
            await shard.command("HDEL", name, *gone)
        if name == keys.CONTROL:
            await opened.passing.copy(name)

    async def _holder(self, parts: Parts, name: str) -> Shard:
        """The shard that has this key; home where none does."""
        there = await parts.read(("EXISTS", name))
        return next((one for one, (is_there,) in zip(parts.shards, there, strict=True) if is_there), parts.home)

    async def tick(self, name: str, window_seconds: int, count: int = 1) -> int:
        return int(await self.run("tick", "", name, window_seconds, count))

    async def now_ms(self) -> int:
        return await self.home.now_ms()

    async def aclose(self) -> None:
        """Close every connection."""
        await self.link.aclose()
