"""Refunds that wait for people, over workers and a store that are killed and a receiver that cannot be relied upon.

Two people act on pages that are old, twice, at once; some change what is paid, some refuse, and customers write in
between. Each effect at most once, none without an approval of exactly it, and none lost without somebody seeing it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from fallbacks.errors import Stale
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from tasks.conversation import Message
from tasks.run.approval import digest_of
from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.sample.refunds.http_payments import HttpPayments
from worker.sample.refunds.http_service import Made, PaymentService, Trouble
from worker.sample.refunds.offer import create_refund
from worker.sample.refunds.ports import Order

BATCH = 25
REST_SECONDS = 600.0
PEOPLE = ("ann", "eve")
PAID = 10_000
AT_REST = (State.SUGGESTED, State.HANDED_OFF, State.DECIDED)

Journal = list[dict[str, Any]]


@dataclass
class Approved:
    """found: what breaks the promise; all empty where it is kept."""

    tickets: int
    approvals: int
    refused: int
    worker_kills: int
    store_kills: int
    seconds: float
    found: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not any(self.found.values())

    def summary(self) -> str:
        said = [f"{self.tickets} refunds, {self.approvals} approvals, {self.refused} stale or second ones refused"]
        said += [f"{self.worker_kills} workers and {self.store_kills} times the store killed, {self.seconds:.0f} s"]
        said += [", ".join(f"{head} {len(found)}" for head, found in self.found.items())]
        said += [f"{name}: {figure}" for name, figure in self.figures.items()]
        said += [f"{head}: {one}" for head, found in self.found.items() for one in found[:5]]
        return "\n".join(said)


@dataclass
class Approving:
    """count: of approvals that must come through, at least. store_kills: every so many batches, 0 for never."""

    folder: Path
    count: int
    seed: int
    workers: int = 2
    store_kills: int = 3
    report: Callable[[str], object] = lambda _: None
    approvals: int = 0
    refused: int = 0
    worker_kills: int = 0
    killed_store: int = 0
    tickets: list[str] = field(default_factory=list)

    def run(self) -> Approved:
        self.dice, began = Random(self.seed), monotonic()
        with ExitStack() as stack:
            self.server = stack.enter_context(ValkeyServer(self.folder / "valkey"))
            self.payments = stack.enter_context(PaymentService(trouble=self._trouble, orders={}))
            fleet = stack.enter_context(Fleet(self.folder / "fleet", self.server.url, **self._settings()))
            self.ledger = stack.enter_context(FleetLedger(fleet))
            payments = HttpPayments(self.payments.url)
            stack.callback(lambda: self.ledger.loop.run(payments.aclose()))
            tools = {"create_refund": create_refund.bind({"payments": payments})}
            self.ledger.parts.inbox.tools = lambda: tools
            fleet.ready(*[fleet.start() for _ in range(self.workers)], timeout=600)
            batch = 0
            while self.approvals < self.count:
                self._accept(min(BATCH, self.count * 2))
                self._rest()
                self._act(self._waiting())
                batch += 1
                self._kill(fleet, store=bool(self.store_kills) and batch % self.store_kills == 0)
                self.report(f"{self.approvals} approvals, {len(self.payments.made)} refunds made")
            self._settle()
            return self._judged(monotonic() - began)

    def _settings(self) -> dict[str, str]:
        url = self.payments.url
        return {
            "DESKHAND_PROCESS": "refund_draft",
            "DESKHAND_MODEL": "local",
            "DESKHAND_MAX_WORKER_LOSSES": "1000",
            "DESKHAND_TOOL_FIND_ORDER_URL": url,
            "DESKHAND_TOOL_CREATE_REFUND_URL": url,
        }

    def _trouble(self) -> Trouble:
        return self.dice.choices(list(Trouble), (70, 8, 8, 8, 6))[0]

    def _accept(self, count: int) -> None:
        for _ in range(count):
            number = len(self.tickets)
            order = f"{chr(65 + number // 9000)}-{1000 + number % 9000}"
            self.payments.orders[order] = Order(order, f"c-{number}", "a lamp", PAID, 0)
            self.tickets.append(f"t{number}")
            body = f"Please pay back 20 EUR of order {order}, it came broken."
            requester = {"id": f"c-{number}"}
            self.ledger.accept(
                {"id": f"t{number}", "source": "chaos", "subject": "", "body": body, "requester": requester}
            )

    def _waiting(self) -> list[TicketView]:
        views = [self.ledger.view(ticket_id) for ticket_id in self.ledger.ids("suggested")]
        return [view for view in views if view.call is not None]

    def _act(self, seen: list[TicketView]) -> None:
        """On what people have on their screens; the customer writes to some of them in between."""
        for view in seen:
            self.ledger.loop.run(self._acts(view, self.dice.random()))

    async def _acts(self, view: TicketView, luck: float) -> None:
        assert view.call is not None
        inbox, digest, first = self.ledger.parts.inbox, view.call.digest, self.dice.choice(PEOPLE)
        if luck < 0.1:
            message = Message(id=f"{view.id}-m{view.version}", body="Make it 30 EUR, please.")
            await self.ledger.parts.threads.add_or_wait(view.id, message, door="http", source="chaos")
        elif luck < 0.2:
            given = {**view.call.arguments, "amount_cents": 1500}
            changed = await inbox.edit_call(view.id, first, view.version, digest, given)
            assert changed.call is not None
            await self._approved(view.id, changed.version, changed.call.digest, PEOPLE[:1])
        elif luck < 0.3:
            await self._counted(inbox.reject_call(view.id, first, view.version, digest, "not yet"), approves=False)
        people = {True: (first, first), False: PEOPLE}[luck < 0.65]  # a double click, or two at once
        await self._approved(view.id, view.version, digest, people)

    async def _approved(self, ticket_id: str, version: int, digest: str, people: tuple[str, ...]) -> None:
        inbox = self.ledger.parts.inbox
        acts = [self._counted(inbox.approve_call(ticket_id, who, version, digest), approves=True) for who in people]
        await asyncio.gather(*acts)

    async def _counted(self, act: Any, *, approves: bool) -> None:
        try:
            await act
            self.approvals += approves
        except Stale:
            self.refused += 1

    def _kill(self, fleet: Fleet, *, store: bool) -> None:
        """While what was approved is done."""
        alive = [worker for worker in fleet.workers if worker.alive()]
        self.dice.choice(alive).kill9()
        self.worker_kills += 1
        if store:
            self.server.kill9()
            self.server.start()
            self.killed_store += 1
        fleet.ready(fleet.start(), timeout=600)

    def _settle(self) -> None:
        """What came to wait again is approved by somebody, until nothing waits."""
        self._rest()
        while waiting := self._waiting():
            for view in waiting:
                assert view.call is not None
                self.ledger.loop.run(self._approved(view.id, view.version, view.call.digest, PEOPLE[:1]))
            self._rest()

    def _rest(self) -> None:
        def rests() -> bool:
            return not {"queued", "running", "parked"} & set(self.ledger.states())

        wait_for(rests, REST_SECONDS, "everything to come to rest", 0.1)

    def _judged(self, seconds: float) -> Approved:
        kills = (self.worker_kills, self.killed_store)
        result = Approved(len(self.tickets), self.approvals, self.refused, *kills, seconds)
        views = {ticket_id: self.ledger.view(ticket_id) for ticket_id in self.tickets}
        journals = {ticket_id: self.ledger.journal(ticket_id) for ticket_id in self.tickets}
        made = list(self.payments.made.values())
        paid = Counter(of.key.partition(":")[0] for of in made)
        result.found = {
            "paid twice": [ticket_id for ticket_id, times in paid.items() if times > 1],
            "paid unasked": [of.key for of in made if not _was_approved(of, journals[of.key.partition(":")[0]])],
            "said to be paid and not": [one for one in _said_paid(views) if not paid[one]],
            "paid and not said": [one for one in paid if not _seen(views[one])],
            "approved and lost": list(_lost(views, journals, paid)),
            "not at rest": [one for one, view in views.items() if view.state not in AT_REST],
            "unbalanced": [f"{name}: {what}" for name, what in self.ledger.audit().problems],
        }
        result.figures = {
            "states": dict(Counter(view.state.value for view in views.values())),
            "refunds made": len(made),
            "asked again under the same key": sum(self.payments.tries.values()) - len(self.payments.tries),
            "handed off": dict(Counter(view.reason.value for view in views.values() if view.reason)),
        }
        return result


def _was_approved(made: Made, journal: Journal) -> bool:
    """Whether somebody approved exactly this, before it was begun."""
    approved: set[str] = set()
    for event in journal:
        if event["type"] == "call_approved" and event["key"] == made.key:
            approved.add(event["digest"])
        if event["type"] == "effect_begun" and event["key"] == made.key:
            return event["digest"] in approved and event["digest"] in set(_digests(made, journal))
    return False


def _digests(made: Made, journal: Journal) -> Iterator[str]:
    """Of what was shown under this key, where it is what was paid."""
    for event in journal:
        if event["type"] in ("call_proposed", "call_edited") and event["key"] == made.key:
            given = event["arguments"]
            if (given["order"], given["amount_cents"]) == (made.order, made.amount_cents):
                yield digest_of(made.key, "create_refund", given)


def _said_paid(views: Mapping[str, TicketView]) -> Iterator[str]:
    for ticket_id, view in views.items():
        if view.state is State.DECIDED and (view.decision or {}).get("outcome") == "refunded":
            yield ticket_id


def _seen(view: TicketView) -> bool:
    """Whether somebody learns that it was paid: the ticket says so, or a person has to look whether it was."""
    says = json.dumps(view.decision or {})
    return '"refunded"' in says or view.state is State.HANDED_OFF


def _lost(views: Mapping[str, TicketView], journals: Mapping[str, Journal], paid: Counter[str]) -> Iterator[str]:
    """What was approved last and is neither paid, nor with people, nor was made void by what came after."""
    for ticket_id, journal in journals.items():
        kinds = [event["type"] for event in journal]
        if "call_approved" not in kinds or paid[ticket_id] or views[ticket_id].state is not State.DECIDED:
            continue
        after = kinds[len(kinds) - kinds[::-1].index("call_approved") :]
        if not {"message_added", "call_rejected", "tool_finished"} & set(after):
            yield ticket_id
