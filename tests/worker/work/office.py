"""One process's executors over a real Valkey and the simulator's HTTP, and what every test asks of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, Views
from fallbacks.store.redis_store import RedisStore
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.tool import Tool
from tasks.ticket import Ticket
from tasks.tools import discover
from tasks.tools.ports import PastTicket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Taxonomy
from tests.fakes.executors import executor
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy
from worker.lookups.sqlite_customers import SqliteCustomers
from worker.lookups.sqlite_knowledge import SqliteKnowledge
from worker.models.anthropic.model import AnthropicModel
from worker.models.genai_pricing import Prices
from worker.models.openai.model import OpenAIModel
from worker.models.remote import RemoteModel
from worker.models.tier import Tier
from worker.simulator import Simulator
from worker.work.executor import Executor

SMALL, LARGE = "claude-haiku-5-5", "claude-sonnet-5-5"
MAKES: dict[str, Callable[[str], RemoteModel]] = {
    "anthropic": lambda url: AnthropicModel(SMALL, Prices(), api_key="k", base_url=url),
    "openai": lambda url: OpenAIModel("gpt-5-mini", Prices(), name="openai:gpt-5-mini", api_key="k", base_url=url),
}
every_make = pytest.mark.parametrize("make", MAKES)
BODY = "My new card has not arrived after two weeks, when will it come?"
LIMITS = Limits(max_seconds=20.0)


TAXONOMY: Taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
TRIAGE = Triage(TAXONOMY)


class NoHistory:
    """`tasks.tools.ports.TicketHistory` of a desk that opened today."""

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        return []

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        return []


CLIENTS = {
    "knowledge": SqliteKnowledge(sample.path("knowledge")),
    "customers": SqliteCustomers(sample.path("customers.jsonl")),
    "history": NoHistory(),
}
TOOLS: dict[str, Tool] = {t.name: t.bind(CLIENTS) for t in discover() if CLIENTS.keys() >= set(t.clients)}


async def suggest(_: Key) -> Judgement:
    return Judgement(auto=False, blind=False, why="not yet")


async def allow(_: Key) -> Judgement:
    return Judgement(auto=True, blind=False, why="people agreed")


@dataclass
class Office:
    """Ledger, simulator and models of one test."""

    store: RedisStore
    simulator: Simulator
    small: RemoteModel
    large: RemoteModel
    ledger: Ledger
    views: Views
    url: str

    def executor(self, *tiers: Tier, owner: str = "w1", **changed: Any) -> Executor:
        how: dict[str, Any] = {"ledger": self.ledger, "tools": TOOLS, "call_seconds": 10.0, **changed}
        tiers = tiers or (Tier(self.small, 0.5),)
        return executor(tiers=tiers, process=TRIAGE, owner=owner, outcomes=OutcomeWriter(wanted=True), **how)

    async def accept(self, ticket_id: str = "T-1", limits: Limits = LIMITS, body: str = BODY) -> None:
        await self.ledger.accept(Ticket(id=ticket_id, source="test", subject="", body=body), limits)

    async def rest(self, executor: Executor, ticket_id: str = "T-1") -> TicketView:
        """Work the ticket until it rests; a park is over at once, and the run's clock stands meanwhile."""
        while await executor.triage(ticket_id) == State.PARKED:
            await self.end_park(ticket_id)
        return await self.views.ticket(ticket_id)

    async def end_park(self, ticket_id: str) -> None:
        await self.store.redis.zadd(f"{self.store.prefix}due", {ticket_id: 0})
        await self.store.redis.delete(
            *[f"{self.store.prefix}breaker:{model.name}" for model in (self.small, self.large)]
        )
        assert ("triage", ticket_id) in await self.ledger.sweep(limit=9, max_losses=3)

    async def lapse(self, ticket_id: str = "T-1") -> None:
        """Let the lease expire now, as for a worker not heard of."""
        await self.store.redis.zadd(f"{self.store.prefix}due", {ticket_id: 0})
        await self.ledger.sweep(limit=9, max_losses=3)

    async def set_back(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something the server forgets: it comes back without its last second."""
        async with Redis.from_url(self.url) as raw:
            kept = {key: await raw.dump(key) for key in await raw.keys()}
            await work()
            await raw.flushdb()
            for key, dumped in kept.items():
                await raw.restore(key, 0, dumped or b"")

    async def events(self, ticket_id: str = "T-1") -> list[ev.Event]:
        return [recorded.event for recorded in await self.views.timeline(ticket_id)]

    async def balanced(self, ticket_id: str = "T-1") -> None:
        """One place for the ticket, the money settled, the checkpoint readable."""
        view, stats = await self.views.ticket(ticket_id), await self.views.stats()
        assert (view.reserved_nanodollars, stats.reserved_nanodollars) == (0, 0)
        assert view.spent_nanodollars == stats.spent_nanodollars
        checkpoint = await self.views.checkpoint(ticket_id)
        assert checkpoint.usage.cost_nanodollars == view.spent_nanodollars
        assert checkpoint.usage.steps == view.steps
        assert sum(stats.states.values()) == 1
        assert "bound_violations" not in stats.counters
        inbox = [member for member, _ in await self.store.ranked("inbox", 0, -1)]
        assert inbox == ([ticket_id] if view.state in (State.SUGGESTED, State.HANDED_OFF) else [])
        assert stats.counters.get("alerts_raised", 0) == (view.state is State.HANDED_OFF)


Serve = Callable[[Callable[[Office], Awaitable[None]]], None]
