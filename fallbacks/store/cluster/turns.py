"""Who goes first over all shards: each has a line of its own, and a claim goes to a line whose first is more urgent."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fallbacks.store import keys
from fallbacks.store.cluster.parts import Parts

TRIES = 3

LOOK_SECONDS = 0.2
"""How old a process's knowledge of the lines' firsts may be."""

CLASS = 2.0**50
"""Scores of one urgency: see `line_up` in `lua/_prelude.lua`."""


@dataclass(slots=True)
class Turns:
    """Of one process."""

    parts: Parts
    _firsts: dict[int, tuple[str, float]] = field(default_factory=dict)
    _looked_at: float = float("-inf")
    _looking: "asyncio.Task[None] | None" = None

    async def claim(self, ticket_id: str, *args: str | int) -> Any:
        """The first of the hint's shard, of one whose first is more urgent, or of any where the hint's has none.
        Where that one has gone, this process looks anew.
        """
        own = self.parts.place(ticket_id)
        for _ in range(TRIES):
            place, first = await self._better(own)
            shard = self.parts.shards[place]
            claimed = await shard.script("claim", ticket_id if place == own else first, *args)
            self._firsts.pop(place, None)
            if claimed[0] in ("ok", "paused"):
                break
            await self._look()
            if not self._firsts:
                break
        return claimed

    async def _better(self, own: int) -> tuple[int, str]:
        if monotonic() - self._looked_at > LOOK_SECONDS:
            await self._look()
        mine = self._firsts.get(own)
        urgency = mine[1] // CLASS if mine else float("inf")
        others = [(score // CLASS, place) for place, (_, score) in self._firsts.items() if score // CLASS < urgency]
        if not others:
            return own, ""
        place = min(others)[1]
        return place, self._firsts[place][0]

    async def _look(self) -> None:
        """One for all who ask. Lines that do not answer have none waiting. Raises where none does."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._read())
        await asyncio.shield(self._looking)

    async def _read(self) -> None:
        heads = await self.parts.read_reachable(("ZRANGE", keys.LINE, 0, 0, "WITHSCORES"))
        places = {shard.name: place for place, shard in enumerate(self.parts.shards)}
        self._firsts = {places[shard.name]: (head[0], float(head[1])) for shard, (head,) in heads if head}
        self._looked_at = monotonic()
