"""What goes between shards and home besides money: copies of switches, alerts, evidence, what breakers learn."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fallbacks.errors import StoreUnreachable
from fallbacks.store import keys
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.shard import Shard

log = logging.getLogger(__name__)

LINES = 200
"""That a shard passes on at once."""

AGAIN_SECONDS = 60.0
"""A copy is sent again after so long, whatever this process knows: a shard may have lost it with its primary."""


@dataclass(slots=True)
class Passing:
    """Of one process."""

    parts: Parts
    _copied: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def copy(self, name: str, *, anew: bool = True) -> None:
        """Give every shard a copy of a hash at home. anew False: only where this process has not done so lately."""
        version, *rest = await self.parts.home.script("copy_out", "", name)
        known, at = self._copied.get(name, ("", float("-inf")))
        if not anew and known == version and monotonic() - at < AGAIN_SECONDS:
            return
        await self.parts.each("copy_in", name, version, *rest)
        self._copied[name] = (version, monotonic())

    async def learn(self, ticket_id: str, model: str, what: str, failure: Any) -> None:
        """What the breaker of a model learns, and every shard of it. One that is not learned is one failure less."""
        said = "" if failure is None else json.dumps(failure)
        try:
            await self.parts.home.script("breaker_learn", ticket_id, model, what, said)
            await self.copy(keys.breaker(model))
        except StoreUnreachable as error:
            log.warning("the circuit breaker of %s has not learned of a call: %s", model, error)

    async def probe(self, shard: Shard, model: str, call: str, lease_ms: int) -> list[Any] | None:
        """Ask for the probe of a half-open breaker. None where the step may be tried again; else its refusal."""
        verdict = await self.parts.home.script("breaker_probe", "", model, lease_ms)
        match verdict[0]:
            case "ok":
                await shard.command("HSET", keys.breaker(model), "granted", call)
            case "closed":
                await self.copy(keys.breaker(model))
            case _:
                return list(verdict)
        return None

    async def take_on(self, shard: Shard, found: Any | None = None) -> None:
        """Have home take on what a shard passes on. found: that it was read already."""
        alerts, examples, judged = found or await shard.script("pass_on", "", LINES)
        if not (alerts or examples[1] or judged[1]):
            return
        await self.parts.home.script("take_on", "", shard.name, json.dumps([alerts, examples, judged]))
        ends = [int(place) + len(lines) for place, lines in (examples, judged)]
        await shard.script("passed_on", "", *ends, *(part for alert in alerts for part in alert[:2]))

    async def take_all_on(self) -> None:
        """From every shard that answers."""
        found = await self.parts.reachable("pass_on", LINES)
        await asyncio.gather(*(self.take_on(shard, one) for shard, one in found))
