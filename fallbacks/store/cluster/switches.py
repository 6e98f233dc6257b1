"""Scripts that work at home and in every shard: what is switched, the sweep, alerts, failovers."""

import json
from dataclasses import dataclass
from typing import Any

from fallbacks.store import keys
from fallbacks.store.cluster import everywhere
from fallbacks.store.cluster.budget import Budgets, of_day, of_source
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.passing import PASSES, Passing
from fallbacks.store.cluster.reads import NOW, Read

DAY_MS = 86_400_000

WHOLE_SECONDS = 30
"""Between two times that every shard is swept; less than what a shard's clock takes for a step (`lua/_prelude.lua`)."""

SWEPT: tuple[Read, ...] = (
    ("HGET", keys.COPIES, f"version:{keys.CONTROL}"),
    ("ZCOUNT", keys.DUE, "-inf", NOW),
    *PASSES,
)
"""What a sweep wants to know of each shard."""

PERIODS = {"day_cap": "day", "month_cap": "month"}
"""Of the switches of budgets: the fleet's by itself, a source's with `:` and the source behind it."""


@dataclass(frozen=True, slots=True)
class Switches:
    """Of one process."""

    parts: Parts
    passing: Passing
    budgets: Budgets

    async def control(self, header: str) -> Any:
        """Written at home first. What a crash keeps from the shards they have with the next sweep."""
        made = await self.parts.home.script("control", "", header)
        if not json.loads(header).get("deployed"):
            await self.passing.copy(keys.CONTROL)
            await self._lower(made)
        return made

    async def _lower(self, made: list[str]) -> None:
        """Where a budget was switched, what shards have drawn and not used comes back at once."""
        today = await self.parts.home.now_ms() // DAY_MS
        for change in map(json.loads, made):
            switch, _, source = change["what"].partition(":")
            if switch in PERIODS and change.get("after") is not None:
                purse = of_source(source, today, PERIODS[switch]) if source else of_day(today)
                await self.budgets.collect(purse, change["after"])

    async def sweep(self, limit: str | int, *how: str | int) -> list[str]:
        """Of the shards that have something due; one process in half a minute sweeps all, which mends what an index
        lacks and keeps an idle shard's clock. Also gives shards what they lack, and home what they have for it.
        """
        found = await self.parts.read_reachable(*SWEPT)
        await self.passing.mend(keys.CONTROL, [(shard, version) for shard, (version, *_) in found])
        await self.passing.take_on_from([shard for shard, (_, _, *most) in found if any(most)])
        whole = int(await self.parts.home.script("tick", "", keys.SWEEP_TURN, WHOLE_SECONDS, 1)) == 1
        due = [shard for shard, (_, many, *_) in found if whole or many]
        answers = await self.parts.in_those(due, "sweep", max(4, int(limit) // 8), *how)
        return [part for answer in answers for part in answer]

    async def take_alert(self, hide_ms: str | int) -> Any:
        """An alert of one reason from many shards is one."""
        await self.passing.take_all_on()
        return await self.parts.home.script("take_alert", "", hide_ms)

    async def generation(self, *args: str | int) -> Any:
        """A server that was a replica may lack what the shards were given last."""
        found = await everywhere.SCRIPTS["generation"](self.parts, *args)
        if found[1] == "1":
            await self.passing.copy(keys.CONTROL)
        return found
