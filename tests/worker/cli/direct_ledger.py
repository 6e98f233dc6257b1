"""Puts tickets into any state by driving the ledger, as workers would."""

import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fallbacks.ledger.ledger import Conclusion, Lease, Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, Views
from fallbacks.plan import PLAN
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket
from tests.fakes.desk import TRIAGE
from tests.services.waiting import wait_for

T = TypeVar("T")

HOSTILE = "two \x1b[31mweeks\x07\u202e [bold]ago[/bold] :smile: \x9b2J"
MODEL = "claude-haiku-5-5"


class DirectLedger:
    """Each call opens the store, does its work and closes it: commands under test use connections of their own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def do(self, work: Callable[[Ledger], Awaitable[T]]) -> T:
        async def opened() -> T:
            store = RedisStore(self.url)
            try:
                return await work(Ledger(store, TRIAGE))
            finally:
                await store.aclose()

        return asyncio.run(opened())

    def view(self, ticket_id: str) -> TicketView:
        return self.do(lambda ledger: Views(ledger.store).ticket(ticket_id))

    def state(self, ticket_id: str) -> State:
        return self.view(ticket_id).state

    def control(self) -> dict[str, str]:
        return self.do(lambda ledger: ledger.store.fields("control"))

    def queued(self, ticket_id: str, body: str = "my card is not here") -> None:
        self.do(lambda ledger: ledger.accept(ticket(ticket_id, body), Limits()))

    def suggested(self, ticket_id: str, body: str = "my card is not here", label: str = "card_arrival") -> None:
        async def work(ledger: Ledger) -> None:
            lease = await claimed(ledger, ticket_id, body)
            await suggest(ledger, lease, label=label, quote=body.split(".")[0], number=1)

        self.do(work)

    def blind(self, ticket_id: str, label: str = "card_arrival") -> None:
        """A suggestion that a person must decide without seeing it."""

        async def work(ledger: Ledger) -> None:
            lease, decision = await claimed(ledger, ticket_id), proposal(label, ["my card"])
            chosen = {"label": label, "team": decision["team"], "tier": MODEL, "version": "v1", "blind": True}
            await step(ledger, lease, 1, [ev.DecisionSubmitted(1, decision)])
            conclusion = Conclusion([], decision, Priority.NORMAL, unaided=chosen, blind=True)
            await ledger.suggest(lease, conclusion)

        self.do(work)

    def failed(self, ticket_id: str, reason: Reason = Reason.STEP_LIMIT, steps: int = 3) -> None:
        async def work(ledger: Ledger) -> None:
            await fail(ledger, await claimed(ledger, ticket_id, "I do not know"), reason=reason, steps=steps)

        self.do(work)

    def rejected(self, ticket_id: str, raw: bytes) -> None:
        encoded = base64.b64encode(raw).decode()
        self.do(lambda ledger: ledger.reject(ticket_id, encoded, "source: Field required", "intake"))


@contextmanager
def working(ledger: DirectLedger, ticket_id: str, act: Callable[[Ledger, Lease], Awaitable[None]]) -> Iterator[None]:
    """A worker in a thread that claims one ticket as soon as it is queued, and acts on it."""

    async def work(ledger: Ledger) -> None:
        claim = await ledger.claim(ticket_id, "worker-1")
        assert not isinstance(claim, str), claim
        await act(ledger, claim.lease)

    def queued() -> bool:
        return ledger.do(lambda ledger: ledger.store.row(ticket_id)).get("state") == "queued"

    def run() -> None:
        wait_for(queued)
        ledger.do(work)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


async def suggest(
    ledger: Ledger, lease: Lease, *, label: str = "card_arrival", quote: str = "I do not know", number: int = 9
) -> None:
    """Propose a label."""
    decision = proposal(label, [quote])
    await step(ledger, lease, number, [ev.DecisionSubmitted(number, decision)])
    await ledger.suggest(lease, Conclusion([], decision, Priority.NORMAL))


async def fail(ledger: Ledger, lease: Lease, *, reason: Reason = Reason.STEP_LIMIT, steps: int = 1) -> None:
    """Work `steps` steps and hand the ticket off."""
    for number in range(1, steps + 1):
        await step(ledger, lease, number, [ev.ToolFinished(number, f"t{number}", "lookup", {"q": 1}, "[]")])
    row = PLAN[reason]
    stopped = ev.RunStopped(steps, reason.value, f"{steps} of {steps} steps")
    conclusion = Conclusion([stopped], None, Priority.NORMAL)
    await ledger.hand_off(lease, conclusion, reason, stopped.detail, row.queue, row.severity)


async def claimed(ledger: Ledger, ticket_id: str, body: str = "my card is not here") -> Lease:
    """Accept a ticket, if it is not there yet, and claim it."""
    await ledger.accept(ticket(ticket_id, body), Limits())
    claim = await ledger.claim(ticket_id, "worker-1")
    assert not isinstance(claim, str), claim
    return claim.lease


async def step(ledger: Ledger, lease: Lease, number: int, after: list[ev.Event]) -> None:
    """One paid model call."""
    call_id = f"{lease.ticket_id}-{lease.epoch}-{number}"
    started = ev.StepStarted(number, call_id, MODEL, 5_000_000)
    await ledger.begin_step(lease, started, [], run_cap=None, day_cap=None)
    content = ({"type": "tool_use", "id": f"t{number}", "name": "lookup", "input": {"q": 1}},)
    replied = ev.ModelReplied(number, call_id, content, "tool_use", 900, 80, 0, 0, 1_200_000, 0.8)
    await ledger.end_step(lease, call_id, 1_200_000, [replied, *after], model=MODEL, health="well")


def ticket(ticket_id: str, body: str) -> Ticket:
    return Ticket(id=ticket_id, source="test", subject="A question", body=body)


def proposal(label: str, evidence: list[str]) -> dict[str, Any]:
    return {
        "label": label,
        "team": "card_delivery",
        "priority": "normal",
        "summary": "Their card is late",
        "rationale": "They say so",
        "evidence": evidence,
        "confidence": 0.91,
        "decided_by": "agent",
        "tier": MODEL,
    }
