"""Whole lives of tickets through the real ledger, phase by phase, and what the server says each phase took."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields
from time import process_time
from typing import Any
from zlib import crc32

from redis.asyncio import Redis

from fallbacks.delivery.outbox import Message, Outbox, Receipt
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.history.port import History
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Claim, Conclusion, Lease, Ledger
from fallbacks.ledger.past.history import LedgerHistory
from fallbacks.ledger.past.leaving import Leaving
from fallbacks.store.port import Store
from fallbacks.store.redis_store import RedisStore
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, MODEL, TRIAGE, ticket

BODY = "I lost my card on the train. " * 20
FINDINGS = "{" + "x" * 1500 + "}"
OPENING = "o" * 2500
"""A usual ticket, its prefetched findings and its first message, sized as in `tests.fallbacks.ledger.measure_audit`."""

DAY_CAP = 10**15
LIMITS = Limits(max_cost_nanodollars=50_000_000)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a server has taken so far, or a difference of two such, by INFO.

    cpu: microseconds of its main thread, cpu_all: of all its threads. commands: those inside scripts included. trips:
    reads from sockets. sent, received: network bytes, as the server sees them. memory: bytes. log: bytes of the
    append-only file. client: microseconds of CPU of this process.
    """

    cpu: float
    cpu_all: float
    commands: float
    trips: float
    received: float
    sent: float
    memory: float
    log: float
    client: float

    def __sub__(self, other: "Taken") -> "Taken":
        return Taken(*(getattr(self, one.name) - getattr(other, one.name) for one in fields(self)))

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def each(self, count: int) -> "Taken":
        return Taken(*(getattr(self, one.name) / count for one in fields(self)))


NOTHING = Taken(*([0.0] * len(fields(Taken))))


Meter = Callable[[], Awaitable[Taken]]


async def taken(store: RedisStore) -> Taken:
    """What the store's server has taken since its start."""
    return await taken_by(store.redis)


async def taken_by(server: Redis) -> Taken:
    """The same, of a server. The client's part is of this whole process."""
    info: dict[str, Any] = await server.info("everything")
    return Taken(
        cpu=(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"]) * 1e6,
        cpu_all=(info["used_cpu_user"] + info["used_cpu_sys"]) * 1e6,
        commands=info["total_commands_processed"],
        trips=info["total_reads_processed"],
        received=info["total_net_input_bytes"],
        sent=info["total_net_output_bytes"],
        memory=info["used_memory"],
        log=info.get("aof_current_size", 0),
        client=process_time() * 1e6,
    )


class Delivered:
    """A receiver that takes everything."""

    async def send(self, message: Message) -> tuple[Receipt, str]:
        return Receipt.DELIVERED, message.id


@dataclass(slots=True)
class Course:
    """Steps of tickets through one ledger. requesters: how many people write them. at_once: calls side by side."""

    store: Store
    requesters: int = 1000
    at_once: int = 32
    ledger: Ledger = field(init=False)
    inbox: Inbox = field(init=False)
    history: LedgerHistory = field(init=False)
    leases: dict[str, Lease] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.store, TRIAGE)
        self.inbox = Inbox(self.store, TRIAGE, OutcomeWriter(wanted=True))
        self.history = LedgerHistory(self.store, TRIAGE)

    @property
    def steps(self) -> dict[str, Callable[[str], Awaitable[object]]]:
        """In order, up to a person's decision."""
        return {
            "accept": self.accept,
            "claim": self.claim,
            "prefetch": self.prefetch,
            "begin_step": self.begin_step,
            "end_step": self.end_step,
            "suggest": self.suggest,
            "hold and approve": self.approve,
        }

    async def phase(self, step: Callable[[str], Awaitable[object]], ids: Sequence[str], meter: Meter) -> Taken:
        """What the servers took for this step of all these."""
        before, left = await meter(), iter(ids)

        async def some() -> None:
            for ticket_id in left:
                await step(ticket_id)

        await asyncio.gather(*(some() for _ in range(self.at_once)))
        return await meter() - before

    async def accept(self, ticket_id: str) -> None:
        requester = {"id": self.requester(ticket_id)}
        await self.ledger.accept(ticket(ticket_id, BODY, requester=requester), LIMITS, max_wait_seconds=3600)

    async def claim(self, ticket_id: str) -> None:
        claim = await self.ledger.claim(ticket_id, "host:1:bench")
        if not isinstance(claim, Claim):
            raise TypeError(f"{ticket_id} is {claim}")
        self.leases[ticket_id] = claim.lease

    async def prefetch(self, ticket_id: str) -> None:
        await self.history.recent(self.requester(ticket_id), 5)

    def requester(self, ticket_id: str) -> str:
        return f"c-{crc32(ticket_id.encode()) % self.requesters}"

    async def begin_step(self, ticket_id: str) -> None:
        before = (
            ev.ContextFetched(FINDINGS, "ok", 0.02),
            ev.ConversationStarted(0, MODEL, "p1", "t1", OPENING),
        )
        started = ev.StepStarted(1, "c1", MODEL, 9_000_000)
        lease, run_cap = self.leases[ticket_id], LIMITS.max_cost_nanodollars
        await self.ledger.begin_step(lease, started, before, run_cap=run_cap, day_cap=DAY_CAP)

    async def end_step(self, ticket_id: str) -> None:
        content = ({"type": "tool_use", "id": "toolu_01", "name": "submit_decision", "input": DECISION},)
        replied = ev.ModelReplied(1, "c1", content, "tool_use", 2100, 180, 0, 0, 2_400_000, 1.2)
        events = (replied, ev.DecisionSubmitted(1, DECISION))
        lease = self.leases[ticket_id]
        await self.ledger.end_step(lease, "c1", 2_400_000, events, model=MODEL, health="well")

    async def suggest(self, ticket_id: str) -> None:
        proposal = {"label": "lost_card", "tier": "small", "version": "v1", "team": "cards", "blind": False}
        conclusion = Conclusion((), DECISION, Priority.HIGH, "0 of 0 agreed so far", proposal)
        await self.ledger.suggest(self.leases.pop(ticket_id), conclusion)

    async def approve(self, ticket_id: str) -> None:
        held = await self.inbox.claim(ticket_id, "ann")
        await self.inbox.approve(ticket_id, "ann", held.version)


class Lives(Course):
    """Whole lives on one server, measured."""

    store: RedisStore

    async def live(self, ids: Sequence[str]) -> dict[str, Taken]:
        """Take tickets through all of it. What each phase took in all, by phase."""
        found = {name: await self.phase(step, ids, self.taken) for name, step in self.steps.items()}
        outbox = f"{self.store.prefix}outbox"
        await self.store.redis.zunionstore(outbox, {outbox: 0})  # undo is over
        before = await self.taken()
        await Outbox(self.store, Delivered()).send_due()
        return {**found, "webhook": await self.taken() - before}

    async def taken(self) -> Taken:
        """What the server has taken since its start."""
        return await taken(self.store)

    async def leave(self, history: History) -> Taken:
        """Take every ended ticket to history, as the delivery loop does when its undo is over."""
        await self._undo_is_over()
        before, leaving = await taken(self.store), Leaving(self.store, history, TRIAGE, rests_ms=0)
        while (await leaving.round()).left:
            pass
        return await taken(self.store) - before

    async def _undo_is_over(self) -> None:
        prefix, pipe = self.store.prefix, self.store.redis.pipeline(transaction=False)
        for ticket_id in await self.store.redis.zrange(f"{prefix}s:decided", 0, -1):
            pipe.hset(f"{prefix}t:{ticket_id}", "undo_until", "0")
        await pipe.execute()


def total(phases: dict[str, Taken]) -> Taken:
    """Of all phases together."""
    return sum(phases.values(), NOTHING)


def median(many: Sequence[Taken]) -> Taken:
    """Field by field."""
    return Taken(*(statistics.median(getattr(one, each.name) for one in many) for each in fields(Taken)))
