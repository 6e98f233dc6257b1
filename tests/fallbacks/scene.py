"""A scene on which a test plays: a store (the fake or the real one) with ledger and inbox, and time that obeys."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import uuid4

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Claim, Conclusion, Lease, Ledger
from fallbacks.ledger.limits.breaker import ModelFailure
from fallbacks.ledger.move import OutboxEntry
from fallbacks.ledger.states import State
from fallbacks.plan import PLAN
from fallbacks.store.cluster.store import ClusterStore
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Label, Taxonomy, Team
from tests.fakes.memory_store import MemoryStore

AGE = (Path(__file__).parent / "age.lua").read_text()

TAXONOMY = Taxonomy(
    teams=(Team(name="cards", description="Cards."), Team(name="loans", description="Loans.")),
    labels=(
        Label(name="lost_card", description="A card is lost.", team="cards", priority=Priority.HIGH),
        Label(name="new_loan", description="A loan is wanted.", team="loans"),
    ),
)

TRIAGE = Triage(TAXONOMY)

DECISION: dict[str, Any] = {
    "label": "lost_card",
    "team": "cards",
    "priority": "high",
    "summary": "The card is lost.",
    "rationale": "It says so.",
    "evidence": ["lost my card"],
    "confidence": 0.9,
    "decided_by": "agent",
    "tier": "small",
}

MODEL = "small"


def ticket(ticket_id: str | None = None, body: str = "I lost my card", **fields: Any) -> Ticket:
    return Ticket.model_validate({"id": ticket_id, "source": "mail", "subject": "Help", "body": body, **fields})


def replied(call_id: str, cost: int, step: int = 1) -> ev.ModelReplied:
    content = ({"type": "text", "text": "Done."},)
    return ev.ModelReplied(step, call_id, content, "end_turn", 900, 80, 0, 0, cost, 0.5)


@dataclass(slots=True)
class Scene:
    """store, ledger and inbox of one test. Sugar for what most tests need first."""

    store: MemoryStore | RedisStore | ClusterStore
    ledger: Ledger = field(init=False)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.store, TRIAGE)
        self.inbox = Inbox(self.store, TRIAGE, OutcomeWriter(wanted=True))

    async def pass_ms(self, ms: int) -> None:
        """Let time pass: the fake's clock moves on; on the real server every stored time moves back."""
        if isinstance(self.store, MemoryStore):
            self.store.pass_ms(ms)
        elif isinstance(self.store, ClusterStore):
            link, parts = self.store.link, (await self.store.opened()).parts
            aged = (link.command(one.slot, "EVAL", AGE, 1, one.prefix, one.prefix, ms) for one in parts.all)
            await asyncio.gather(*aged)
        else:
            await self.store.redis.eval(AGE, 0, self.store.prefix, ms)

    async def command(self, name: str, key: str, *args: str | int, of: str = "") -> Any:
        """A plain command on the real store. of: the ticket whose key it is, in a cluster."""
        if isinstance(self.store, ClusterStore):
            parts = (await self.store.opened()).parts
            return await (parts.of(of) if of else parts.home).command(name, key, *args)
        assert isinstance(self.store, RedisStore)
        return await self.store.redis.execute_command(name, self.store.prefix + key, *args)

    async def accept(self, ticket_id: str = "t1", limits: Limits | None = None, **fields: Any) -> str:
        return (await self.ledger.accept(ticket(ticket_id, **fields), limits or Limits())).id

    async def claim(self, ticket_id: str = "t1", owner: str = "w1") -> Lease:
        claim = await self.ledger.claim(ticket_id, owner)
        assert isinstance(claim, Claim), claim
        return claim.lease

    async def running(self, ticket_id: str = "t1", owner: str = "w1", **fields: Any) -> Lease:
        """A lease on a new ticket."""
        return await self.claim(await self.accept(ticket_id, **fields), owner)

    async def begin(
        self, lease: Lease, worst: int, call: str = "c1", run_cap: int | None = None, day_cap: int | None = None
    ) -> int:
        started = ev.StepStarted(1, call, MODEL, worst)
        return await self.ledger.begin_step(lease, started, (), run_cap=run_cap, day_cap=day_cap)

    async def end(self, lease: Lease, cost: int, call: str = "c1") -> None:
        events = (replied(call, cost),)
        await self.ledger.end_step(lease, call, cost, events, model=MODEL, health="well")

    async def fail(
        self,
        lease: Lease,
        call: str,
        retry_after_seconds: float | None = None,
        reason: Reason = Reason.MODEL_OVERLOADED,
    ) -> None:
        """A call that failed for the provider's fault."""
        failed = ev.ModelFailed(1, call, reason.value, "as said")
        failure = ModelFailure(MODEL, reason, retry_after_seconds)
        await self.ledger.end_step(lease, call, 0, (failed,), model=MODEL, failure=failure)

    async def suggested(self, ticket_id: str = "t1", **decision: Any) -> int:
        """A new ticket with a suggestion; returns its version."""
        conclusion = Conclusion((), DECISION | decision, Priority.NORMAL)
        await self.ledger.suggest(await self.running(ticket_id), conclusion)
        return await self.version(ticket_id)

    async def hand_off(self, lease: Lease, reason: Reason = Reason.STEP_LIMIT, outbox: Any = ()) -> None:
        row, conclusion = PLAN[reason], Conclusion((), None, Priority.NORMAL)
        await self.ledger.hand_off(lease, conclusion, reason, "why", row.queue, row.severity, outbox)

    async def handed_off(self, ticket_id: str = "t1", reason: Reason = Reason.STEP_LIMIT) -> int:
        await self.hand_off(await self.running(ticket_id), reason)
        return await self.version(ticket_id)

    async def version(self, ticket_id: str = "t1") -> int:
        return (await self.inbox.views.ticket(ticket_id)).version

    async def state(self, ticket_id: str = "t1") -> State:
        return (await self.inbox.views.ticket(ticket_id)).state

    async def row(self, ticket_id: str = "t1") -> dict[str, str]:
        return await self.store.row(ticket_id)

    async def types(self, ticket_id: str = "t1") -> list[str]:
        """The journal's event types."""
        return [json.loads(event)["type"] for event in await self.store.journal(ticket_id)]

    async def members(self, index: str) -> list[str]:
        return [member for member, _ in await self.store.ranked(index, 0, -1)]

    async def day(self) -> tuple[int, int]:
        """Spent and reserved today."""
        day = await self.store.fields(f"day:{await self.store.now_ms() // 86_400_000}")
        return int(day.get("spent", 0)), int(day.get("reserved", 0))

    async def sweep(self, max_losses: int = 3, backlogged: bool = False, limit: int = 100) -> list[tuple[str, str]]:
        return await self.ledger.sweep(limit=limit, max_losses=max_losses, backlogged=backlogged)


def message(due_in: int = 0) -> list[OutboxEntry]:
    return [OutboxEntry(f"msg_{uuid4().hex}", "webhook", "ticket.handed_off", "{}", due_in)]


Story = Callable[[Scene], Awaitable[None]]


def scene(story: Story) -> Callable[[Callable[[Story], None]], None]:
    """Play an async story in a loop of its own, on every store the `play` fixture offers."""

    @wraps(story)
    def test(play: Callable[[Story], None]) -> None:
        play(story)

    del test.__wrapped__  # type: ignore[attr-defined] # pytest would look for the story's own arguments
    return test
