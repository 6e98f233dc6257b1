"""Who goes first over all shards: each has a line of its own, and a claim goes to a line whose first is more urgent."""

import asyncio
import random
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fallbacks.store import keys
from fallbacks.store.cluster.parts import Parts

TRIES = 6

LOOK_SECONDS = 0.2
"""How old a process's knowledge of the lines' firsts may be."""

CLASS = 2.0**50
"""Scores of one urgency: see `line_up` in `lua/_prelude.lua`."""

NORMAL = 2 * CLASS
"""Of a hint's ticket that came after the last look: most are."""


@dataclass(slots=True)
class Turns:
    """Of one process."""

    parts: Parts
    _firsts: dict[int, tuple[str, float]] = field(default_factory=dict)
    _looked_at: float = float("-inf")
    _looking: "asyncio.Task[None] | None" = None

    async def claim(self, ticket_id: str, *args: str | int) -> Any:
        """The first of the hint's shard, or of one whose first is more urgent, as far as this process knows.

        Where none is left there, it looks anew: another claim took what this hint was for, and left its own waiting.
        """
        own = self.parts.place(ticket_id)
        if monotonic() - self._looked_at > LOOK_SECONDS:
            await self._look()
        place = self._most_urgent(own, self._firsts.get(own, ("", NORMAL))[1])
        for _ in range(TRIES):
            named = ticket_id if place == own else self._firsts[place][0]
            claimed = await self.parts.shards[place].script("claim", named, *args)
            if claimed[0] in ("ok", "paused"):
                break
            await self._look()
            if not self._firsts:
                break
            place = self._most_urgent(own, self._firsts.get(own, ("", float("inf")))[1])
        return claimed

    def _most_urgent(self, own: int, score: float) -> int:
        """The hint's shard, where no line's first is more urgent than this score; else one of the most urgent."""
        classes = {place: of // CLASS for place, (_, of) in self._firsts.items()}
        greatest = min(classes.values(), default=float("inf"))
        if score // CLASS <= greatest:
            return own
        places = [place for place, of in classes.items() if of == greatest]
        return random.choice(places)  # noqa: S311

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
