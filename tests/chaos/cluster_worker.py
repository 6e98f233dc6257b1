"""A worker of the campaign on a cluster, as a process of its own: claims what is queued, pays two calls, decides."""

import asyncio
import sys
from contextlib import suppress
from time import monotonic
from uuid import uuid4

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.claims import Claim, Conclusion, Lease
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.limits.source_caps import NO_CAPS, SourceCaps
from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.redis_opening import open_store
from tasks.errors import LeaseLost, StepRefused
from tasks.run import events as ev
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, MODEL, TRIAGE, replied

WORST, COST, STEPS = 20, 10, 2
"""Nanodollars of a call, and calls of a ticket."""

SLOTS = 8
LEASE_MS = 5000
SWEEP_SECONDS = 5.0


CAPPED = "shop"
"""The source that has budgets of its own, where the campaign gives it some."""


def source_of(ticket_id: str) -> str:
    """Every other ticket is of the source with budgets."""
    return CAPPED if int(ticket_id[1:]) % 2 else "mail"


class Worker:
    """cap: of the day, nanodollars. of_source: of the capped source's day, and of its month; 0 for none."""

    def __init__(self, url: str, cap: int, of_source: int, replicas: int) -> None:
        self.store = open_store(url, "deskhand:", replicas)
        self.ledger = Ledger(self.store, TRIAGE, lease_ms=LEASE_MS, first_sweep_ms=1000)
        self.owner, self.cap = f"w-{uuid4().hex[:8]}", cap
        self.caps = {CAPPED: SourceCaps(of_source, of_source)} if of_source else {}
        self.leases: dict[str, Lease] = {}
        self.waiting: asyncio.Queue[str] = asyncio.Queue(200)

    async def work(self) -> None:
        while True:
            ticket_id = await self.waiting.get()
            with suppress(LeaseLost, StepRefused, StoreUnreachable):
                claim = await self.ledger.claim(ticket_id, self.owner)
                if isinstance(claim, Claim):
                    await self.run(claim.lease)
            self.leases.pop(ticket_id, None)

    async def run(self, lease: Lease) -> None:
        self.leases[lease.ticket_id] = lease
        settled, caps = None, self.caps.get(source_of(lease.ticket_id), NO_CAPS)
        for step in range(1, STEPS + 1):
            call = f"{lease.epoch}-{step}"
            started = ev.StepStarted(step, call, MODEL, WORST)
            await self.ledger.begin_step(lease, started, (), run_cap=None, day_cap=self.cap, source=caps, after=settled)
            settled = call
            await self.ledger.end_step(lease, call, COST, (replied(call, COST, step),), model=MODEL, health="well")
        await self.ledger.decide(lease, Conclusion((), DECISION, Priority.NORMAL), ())

    async def look(self) -> None:
        swept = float("-inf")
        while True:
            with suppress(StoreUnreachable):
                await self.ledger.renew(self.owner, [*self.leases.values()])
                if monotonic() - swept > SWEEP_SECONDS:
                    await self.ledger.sweep(limit=200, max_losses=50)
                    swept = monotonic()
                for ticket_id, _ in await self.store.ranked(keys.in_state(State.QUEUED), 0, 99):
                    if ticket_id not in self.leases and not self.waiting.full():
                        self.waiting.put_nowait(ticket_id)
            await asyncio.sleep(1)


async def main(url: str, *numbers: str) -> None:
    worker = Worker(url, *map(int, numbers))
    await asyncio.gather(worker.look(), *(worker.work() for _ in range(SLOTS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
