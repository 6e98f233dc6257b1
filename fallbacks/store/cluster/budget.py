"""Budgets over a cluster: a shard may spend what it has drawn of a cap, and home lends no more than the cap.

The day's and those of sources; each is a purse, named as in `lua/_money.lua`. The sum of what shards may use is at no
moment above the cap: see `lua/allot_draw.lua` for why, crashes included.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.shard import Shard

PAUSE_SECONDS = 0.05
"""Between two times that a process has all shards give back what they do not use; who asks meanwhile waits."""


def of_day(day: int) -> str:
    """The purse of a day, UTC, since 1970."""
    return str(day)


def of_source(source: str, day: int, period: str) -> str:
    """The purse of a source, of a day or of the month that it is in."""
    if period == "day":
        return f"{day}|{source}"
    return f"{day - datetime.fromtimestamp(day * 86_400, UTC).day + 1}m|{source}"


@dataclass(slots=True)
class Attempt:
    """Of one step. collected: the purses for which every shard was asked for what it does not use."""

    collected: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Collections:
    """Of one purse. next: what whoever comes meanwhile waits for."""

    next: "asyncio.Task[None] | None" = None
    ended_at: float = float("-inf")


@dataclass(slots=True)
class Budgets:
    """Of one process."""

    parts: Parts
    _of: dict[str, _Collections] = field(default_factory=dict)

    async def draw(self, shard: Shard, wanted: list[Any], attempt: Attempt) -> list[Any] | None:
        """Draw for a step what it wants: (`draw`, purse, cap, need, drawn, given back; of a source also the period, and
        the ms to its end). None where it is to be begun again; else its refusal.
        """
        _, purse, cap, need, drawn, back, *period = wanted
        asked = (purse, shard.name, cap, need, drawn, back, len(self.parts.shards))
        match await self.parts.home.script("allot_draw", "", *asked):
            case ["ok", now_drawn]:
                await shard.script("allot_grant", "", purse, now_drawn)
            case ["collect", under]:
                await self.collect(purse, under)
            case [_, total, under, spent]:
                if purse in attempt.collected:
                    return _refusal([total, under, spent], period)
                await self._collect_soon(purse, under)
                attempt.collected.add(purse)
        return None

    async def _collect_soon(self, purse: str, cap: str) -> None:
        """One for all who ask before it begins."""
        of = self._of.setdefault(purse, _Collections())
        if of.next is None:
            of.next = asyncio.ensure_future(self._after_pause(of, purse, cap))
        await asyncio.shield(of.next)

    async def _after_pause(self, of: _Collections, purse: str, cap: str) -> None:
        await asyncio.sleep(max(0.0, of.ended_at + PAUSE_SECONDS - monotonic()))
        of.next = None
        await self.collect(purse, cap)
        of.ended_at = monotonic()
        for name in [name for name, other in self._of.items() if other.next is None and other is not of]:
            del self._of[name]  # senders name their sources, and days go by

    async def collect(self, purse: str, cap: str) -> None:
        """Have every shard give back what it does not use, so that home knows what is used."""
        shares = await self.parts.each("allot_collect", purse)
        flat = [part for one, share in zip(self.parts.shards, shares, strict=True) for part in (one.name, *share)]
        await self.parts.home.script("allot_collected", "", purse, cap, *flat)


def _refusal(money: list[Any], period: list[Any]) -> list[Any]:
    """money: allotted to all, the cap, spent."""
    if not period:
        return ["day_cap", *money]
    name, ends_in_ms = period
    return ["source_cap", name, *money, ends_in_ms]
