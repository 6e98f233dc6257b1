"""What goes between shards and home besides money: copies of switches, alerts, evidence, what breakers learn."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fallbacks.errors import StoreUnreachable
from fallbacks.store import keys
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.reads import NOW, Read
from fallbacks.store.cluster.shard import Shard

log = logging.getLogger(__name__)

LINES = 200
"""That a shard passes on at once."""

PASSES: tuple[Read, ...] = (
    ("ZCOUNT", keys.ALERTS, "-inf", NOW),
    ("LLEN", keys.EXAMPLES),
    ("LLEN", keys.CALLS_JUDGED),
)
"""How much a shard has for home of each kind."""


@dataclass(slots=True)
class Passing:
    """Of one process."""

    parts: Parts
    _owing: dict[str, Shard] = field(default_factory=dict)

    async def copy(self, name: str) -> None:
        """Give every shard a copy of a hash at home."""
        version, *rest = await self.parts.home.script("copy_out", "", name)
        await self.parts.each("copy_in", name, version, *rest)

    async def mend(self, name: str, versions: Sequence[tuple[Shard, str | None]]) -> None:
        """Give a copy to the shards that lack what home has now, by what they said of theirs."""
        version, *rest = await self.parts.home.script("copy_out", "", name)
        lacking = [shard for shard, had in versions if int(had or 0) < int(version)]
        await self.parts.in_those(lacking, "copy_in", name, version, *rest)

    def owes(self, shard: Shard) -> None:
        """This process has written there what home is to have before it reads of it."""
        self._owing[shard.name] = shard

    async def pay(self) -> None:
        """Have home take on what this process has written, in that order. What fails is left to whoever sweeps next."""
        owing, self._owing = list(self._owing.values()), {}
        try:
            for shard in owing:
                await self.take_on(shard)
        except StoreUnreachable as error:
            log.warning("a decision is evidence only after the next sweep: %s", error)

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

    async def take_on(self, shard: Shard) -> None:
        """Have home take on what a shard passes on."""
        alerts, examples, judged = await shard.script("pass_on", "", LINES)
        if not (alerts or examples[1] or judged[1]):
            return
        await self.parts.home.script("take_on", "", shard.name, json.dumps([alerts, examples, judged]))
        ends = [int(place) + len(lines) for place, lines in (examples, judged)]
        await shard.script("passed_on", "", *ends, *(part for alert in alerts for part in alert[:2]))

    async def take_all_on(self) -> None:
        """From every shard that answers and has something."""
        await self.take_on_from([shard for shard, most in await self.parts.read_reachable(*PASSES) if any(most)])

    async def take_on_from(self, shards: Sequence[Shard]) -> None:
        """From those that answer."""
        answers = await asyncio.gather(*(self.take_on(shard) for shard in shards), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, StoreUnreachable):
                raise answer
