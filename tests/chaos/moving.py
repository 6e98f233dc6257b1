"""The move to history under kill -9: of movers, of the store, of PostgreSQL, at whatever point they have come to.

Tickets live whole lives by the real calls while two movers, processes of their own, take what has ended to history at
once. Some come back to be corrected and leave again, some are sent again after they left. In the end each is in exactly
one place and found, its outcomes went on in order, and the audit over both balances.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import StoreUnreachable
from fallbacks.history.port import History
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Claim, Conclusion, Ledger
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import Views
from fallbacks.store.redis_store import RedisStore
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.chaos.mover import opened
from tests.fallbacks.scene import DECISION, MODEL, TRIAGE, replied, ticket
from tests.services.process import ServerProcess
from tests.services.valkey import ValkeyServer

COST = 1_000
AT_ONCE = 25
LEASE_MS = 1000
PATIENCE_SECONDS = 240.0
LOAN = TRIAGE.hand.model_validate({"label": "new_loan"})


@dataclass
class Moved:
    """What a campaign found. wrong: in words, empty where the promise was kept."""

    tickets: int
    wrong: list[str] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)


@dataclass
class Moving:
    """servers: what is killed besides the movers, by name."""

    folder: Path
    store: ValkeyServer
    history_url: str
    servers: dict[str, ServerProcess]
    tickets: int
    pause_seconds: float = 0.7
    seed: int = 7
    kills: dict[str, int] = field(default_factory=dict)

    def run(self) -> Moved:
        """The campaign, servers up before and after."""
        return asyncio.run(self._run())

    async def _run(self) -> Moved:
        store, history = RedisStore(self.store.url), opened(self.history_url)
        dice, found = random.Random(self.seed), Moved(self.tickets, kills=self.kills)
        lives = Lives(store, history)
        try:
            with self._movers() as movers:
                each = asyncio.Event()
                killing = asyncio.ensure_future(self._kill(movers, dice, each))
                ids = [f"t{n}" for n in range(self.tickets)]
                for start in range(0, len(ids), AT_ONCE):
                    await asyncio.gather(*(lives.live(one) for one in ids[start : start + AT_ONCE]))
                again = dice.sample(ids, max(5, len(ids) // 20))
                for one in again:
                    await patiently(partial(lives.correct, one))
                await each.wait()
                killing.cancel()
                await asyncio.gather(killing, return_exceptions=True)
                movers.revive()
                await lives.all_left()
            await self._judge(found, lives, ids, set(again))
        finally:
            await history.aclose()
            await store.aclose()
        return found

    @contextmanager
    def _movers(self) -> Iterator["Movers"]:
        movers = Movers([sys.executable, "-m", "tests.chaos.mover", self.store.url, self.history_url])
        movers.revive()
        try:
            yield movers
        finally:
            movers.end()

    async def _kill(self, movers: "Movers", dice: random.Random, each: asyncio.Event) -> None:
        """One after the other, so that each of them is killed at many points of the move; sets `each` when all were."""
        names = ["mover", "mover", *self.servers]
        while True:
            for name in dice.sample(names, len(names)):
                await asyncio.sleep(self.pause_seconds * (0.2 + dice.random()))
                if name == "mover":
                    movers.kill_one(dice)
                else:
                    self.servers[name].kill9()
                    await asyncio.to_thread(self.servers[name].start)
                self.kills[name] = self.kills.get(name, 0) + 1
            each.set()

    async def _judge(self, found: Moved, lives: "Lives", ids: list[str], corrected: set[str]) -> None:
        known = await lives.history.known(ids)
        rows = await lives.store.rows(ids, ["state"])
        for one, (state,) in zip(ids, rows, strict=True):
            if (one in known) == (state is not None):
                found.wrong.append(f"{one} is in {'both' if state else 'neither'}")
        for one in ids:
            view, kinds = await lives.views.ticket(one), [event.event for event in await lives.views.timeline(one)]
            decisions = sum(isinstance(event, ev.Decided) for event in kinds)
            if view.state is not State.DECIDED or decisions != 1 + (one in corrected):
                found.wrong.append(f"{one} is {view.state} with {decisions} decisions")
            if lives.delivered.get(one) != [str(n + 1) for n in range(decisions)]:
                found.wrong.append(f"{one} was reported in the order {lives.delivered.get(one)}")
        for one in [*ids[:: max(1, len(ids) // 50)]]:
            if (await lives.ledger.accept(ticket(one), Limits(), idempotency_key=f"key-{one}")).created:
                found.wrong.append(f"{one} was accepted twice")
        report = await audit(lives.store, lives.history)
        found.wrong += [f"{name}: {what}" for name, what in report.problems]
        if (report.in_history, report.archived, report.spent) != (self.tickets, self.tickets, COST * self.tickets):
            found.wrong.append(f"the audit counts {report}")


@dataclass
class Lives:
    """Tickets by the real calls, over a store that may be away for a moment."""

    store: RedisStore
    history: History
    ledger: Ledger = field(init=False)
    inbox: Inbox = field(init=False)
    views: Views = field(init=False)
    delivered: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        outcomes = OutcomeWriter(wanted=True)
        self.outcomes = outcomes
        self.ledger = Ledger(self.store, TRIAGE, LEASE_MS, before=KnownBefore(self.history))
        self.inbox = Inbox(self.store, TRIAGE, outcomes, history=self.history)
        self.views = self.inbox.views

    async def live(self, ticket_id: str) -> None:
        """Accepted, worked, decided, reported."""
        await patiently(lambda: self.ledger.accept(ticket(ticket_id), Limits(), idempotency_key=f"key-{ticket_id}"))
        await patiently(lambda: self._decided(ticket_id))
        await patiently(lambda: self.deliver(ticket_id))

    async def _decided(self, ticket_id: str) -> None:
        """May be begun again at any point: a run that was cut is taken back and goes on."""
        if (await self.views.ticket(ticket_id)).state is State.DECIDED:
            return
        claim = await self.ledger.claim(ticket_id, "w")
        if not isinstance(claim, Claim):
            await self.store.run("sweep", "", 100, 99, 1, "0", 1)
            raise StoreUnreachable(f"{ticket_id} is {claim}")
        if not any(isinstance(one.event, ev.ModelReplied) for one in claim.journal):
            started = ev.StepStarted(1, f"c-{ticket_id}", MODEL, COST)
            await self.ledger.begin_step(claim.lease, started, (), run_cap=None, day_cap=None)
            events = (replied(f"c-{ticket_id}", COST),)
            await self.ledger.end_step(claim.lease, f"c-{ticket_id}", COST, events, model=MODEL, health="well")
        outbox = self.outcomes.entries(Outcome.DECIDED, ticket_id, "http", {"state": "decided"})
        await self.ledger.decide(claim.lease, Conclusion((), DECISION, Priority.NORMAL), outbox)

    async def deliver(self, ticket_id: str) -> None:
        """Take what is due, whosever it is; the sequence of each is remembered once."""
        for message_id, flat in await self.store.run("take_outbox", "", 100, 500):
            sent = dict(zip(flat[::2], flat[1::2], strict=True))
            order = self.delivered.setdefault(sent["ticket"], [])
            if sent["sequence"] not in order:
                order.append(sent["sequence"])
            await self.store.run("settle_outbox", sent["ticket"], message_id, "delivered", 0)
        if (await self.store.row(ticket_id)).get("delivery") == "pending":
            raise StoreUnreachable(f"the outcome of {ticket_id} waits")

    async def correct(self, ticket_id: str) -> None:
        """From wherever it is; its undo is over at once."""
        view = await self.views.ticket(ticket_id)
        if (view.decision or {}).get("label") != "new_loan":
            await self.inbox.correct(ticket_id, "ann", None, LOAN, "it is a loan")
        if await self.store.row(ticket_id):
            await self.store.put(f"t:{ticket_id}", {"undo_until": "0"})
            for message_id in (await self.store.row(ticket_id)).get("outbox", "").split()[-1:]:
                await self.store.redis.zadd(f"{self.store.prefix}outbox", {message_id: 1}, xx=True)
        await self.deliver(ticket_id)

    async def all_left(self) -> None:
        """Until nothing that ended is in the store."""
        ends = monotonic() + PATIENCE_SECONDS
        while (await self.views.stats()).ended_here:
            if monotonic() > ends:
                return
            await asyncio.sleep(0.2)


class Movers:
    """Two of them, made anew where they were killed."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.processes: list[subprocess.Popen[bytes]] = []

    def revive(self) -> None:
        self.processes = [one for one in self.processes if one.poll() is None]
        while len(self.processes) < 2:
            self.processes.append(subprocess.Popen(self.command, env=dict(os.environ)))

    def kill_one(self, dice: random.Random) -> None:
        self.revive()
        one = dice.choice(self.processes)
        one.send_signal(signal.SIGKILL)
        one.wait()
        self.revive()

    def end(self) -> None:
        for one in self.processes:
            one.kill()
            one.wait()


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Until the servers are back."""
    ends = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await work()
        except Exception:
            if monotonic() > ends:
                raise
            await asyncio.sleep(0.1)
        else:
            return
