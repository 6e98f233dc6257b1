"""The day's budget over a cluster: a shard may spend what it has drawn, and home lends no more than the cap.

The sum of what shards may use is at no moment above the cap: see `lua/allot_draw.lua` for why, crashes included.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.shard import Shard

PAUSE_SECONDS = 0.05
"""Between two times that a process has all shards give back what they do not use; who asks meanwhile waits."""


@dataclass(slots=True)
class Attempt:
    """Of one step. collected: whether every shard was asked for what it does not use."""

    collected: bool = False


@dataclass(slots=True)
class DayBudget:
    """Of one process."""

    parts: Parts
    _next: "asyncio.Task[None] | None" = None
    _ended_at: float = float("-inf")

    async def draw(self, shard: Shard, wanted: list[Any], attempt: Attempt) -> list[Any] | None:
        """Draw for a step what it wants: (`draw`, day, cap, need, drawn, given back). None where it is to be begun
        again; else its refusal.
        """
        _, day, cap, need, drawn, back = wanted
        asked = (day, shard.name, cap, need, drawn, back, len(self.parts.shards))
        match await self.parts.home.script("allot_draw", "", *asked):
            case ["ok", now_drawn]:
                await shard.script("allot_grant", "", day, now_drawn)
            case ["collect", under]:
                await self.collect(day, under)
            case [_, total, under, spent]:
                if attempt.collected:
                    return ["day_cap", total, under, spent]
                await self._collect_soon(day, under)
                attempt.collected = True
        return None

    async def _collect_soon(self, day: str, cap: str) -> None:
        """One for all who ask before it begins."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._after_pause(day, cap))
        await asyncio.shield(self._next)

    async def _after_pause(self, day: str, cap: str) -> None:
        await asyncio.sleep(max(0.0, self._ended_at + PAUSE_SECONDS - monotonic()))
        self._next = None
        await self.collect(day, cap)
        self._ended_at = monotonic()

    async def collect(self, day: str, cap: str) -> None:
        """Have every shard give back what it does not use, so that home knows what is used."""
        shares = await self.parts.each("allot_collect", day)
        flat = [part for one, share in zip(self.parts.shards, shares, strict=True) for part in (one.name, *share)]
        await self.parts.home.script("allot_collected", "", day, cap, *flat)
