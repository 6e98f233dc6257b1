"""Scripts about one ticket that concern more than its own shard."""

import json
from dataclasses import dataclass
from typing import Any

from fallbacks.errors import StoreUnreachable
from fallbacks.store import keys
from fallbacks.store.cluster.budget import Attempt, Budgets
from fallbacks.store.cluster.parts import Parts
from fallbacks.store.cluster.passing import Passing

TRIES = 16
"""A step is begun again where it had to draw money, which others of its shard may use first, or to be let probe."""

EVIDENCE = ('"example":', '"drop_example":', '"judged":')
"""Fields of a move's header whose lines go to home: before this process reads there, or with whoever sweeps next."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Of one process."""

    parts: Parts
    passing: Passing
    budgets: Budgets

    async def accept(self, ticket_id: str, header: str, body: str, *events: str | int) -> Any:
        """The key's record first, then the row, then the requester's list. A key without a row makes whoever comes next
        with it write the ticket that it names; one that is sent again is listed.
        """
        said = json.loads(header)
        key, requester = said.get("idem"), said.pop("requester", None)
        if key is not None:
            known, same = await self.parts.of(keys.idempotency(key)).script("claim_key", ticket_id, key, said["digest"])
            if same != "1":
                return ["conflict", known]
            if known != ticket_id:
                ticket_id, body = known, _named(body, known)
        if requester is not None:
            header = json.dumps(said, ensure_ascii=False)
        verdict = await self._accept(ticket_id, header, body, *events)
        if requester is not None and verdict[0] not in ("conflict", "limited"):
            await self.parts.of(keys.requester(requester)).script("list_ticket", verdict[1], requester)
        return verdict

    async def _accept(self, ticket_id: str, header: str, body: str, *events: str | int) -> Any:
        """Takes the ticket's turn among those of its source first, where the shard says so. One that a crash keeps from
        its ticket is nobody's.
        """
        shard = self.parts.of(ticket_id)
        verdict = await shard.script("accept", ticket_id, header, body, *events)
        if verdict[0] != "turn":
            return verdict
        said = json.loads(header)
        place = self.parts.of(keys.rate(f"source:{said['source']}"))
        turn = await place.script("source_turn", "", said["source"], verdict[1], "1" if said.get("refuse") else "")
        if turn[0] == "limited":
            return turn
        header = json.dumps(said | {"turn": int(turn[1])}, ensure_ascii=False)
        return await shard.script("accept", ticket_id, header, body, *events)

    async def begin_step(self, ticket_id: str, header: str, *events: str | int) -> Any:
        """Draws of the budgets of the day and its source, and asks to probe a breaker, where the shard says so."""
        shard = self.parts.of(ticket_id)
        attempt = Attempt()
        for _ in range(TRIES):
            verdict = await shard.script("begin_step", ticket_id, header, *events)
            refusal: list[Any] | None
            match verdict[0]:
                case "draw":
                    refusal = await self.budgets.draw(shard, verdict, attempt)
                case "probe":
                    said = json.loads(header)
                    refusal = await self.passing.probe(shard, said["breaker"], said["call"], said["lease_ms"])
                case _:
                    return verdict
            if refusal is not None:
                return refusal
        raise StoreUnreachable("a step found no end of what it had to wait for")

    async def end_step(self, ticket_id: str, header: str, *events: str | int) -> Any:
        """The breaker learns at home, and every shard of it."""
        verdict = await self.parts.of(ticket_id).script("end_step", ticket_id, header, *events)
        if len(verdict) > 2:
            said = json.loads(header)
            await self.passing.learn(ticket_id, said["breaker"], verdict[2], said.get("failure"))
        return verdict[:2]

    async def move(self, ticket_id: str, header: str, *events: str | int) -> Any:
        """What people decided goes to home, where it is evidence. Whose turn it is in a group in rotation comes from
        there, where the shard asks; one that a crash keeps from its item is spent.
        """
        shard = self.parts.of(ticket_id)
        verdict = await shard.script("move", ticket_id, header, *events)
        if verdict[0] == "turn":
            said = json.loads(header)
            header = json.dumps(said | {"turn": await self._whose_turn(verdict[1], said)}, ensure_ascii=False)
            verdict = await shard.script("move", ticket_id, header, *events)
        if verdict[0] == "ok" and any(field in header for field in EVIDENCE):
            self.passing.owes(shard)
        if len(verdict) > 4:
            failure = json.loads(header)["failure"]
            await self.passing.learn(ticket_id, failure["model"], "failed", failure)
        return verdict[:4]

    async def _whose_turn(self, group: str, said: dict[str, Any]) -> str:
        """By who has least over all shards, a moment ago; "" for nobody."""
        names = [*await self.parts.home.fields(keys.USERS)]
        found = await self.parts.read(*(("ZCARD", keys.inbox_facet(f"{keys.ASSIGNEE}{name}")) for name in names))
        has = [part for name, sizes in zip(names, zip(*found, strict=True), strict=True) for part in (name, sum(sizes))]
        return str(await self.parts.home.script("rotate", "", group, said.get("former") or "", *has))


def _named(body: str, ticket_id: str) -> str:
    """A ticket's body under another id, as `Ticket.canonical` writes it."""
    return json.dumps(json.loads(body) | {"id": ticket_id}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
