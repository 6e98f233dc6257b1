"""The sample's second process: drafts a refund, which is paid once a person has approved that call, and only then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.views import TicketView
from tasks.errors import InvalidDecision, ToolError
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from worker.config import installed
from worker.models.tier import Tier
from worker.sample.refunds.http_payments import HttpPayments
from worker.sample.refunds.http_service import PaymentService, Trouble
from worker.sample.refunds.offer import REFUND_DRAFT, create_refund, find_order
from worker.sample.refunds.orders import TICKETS
from worker.sample.refunds.process import RefundDraft, RefundHand
from worker.sample.refunds.reader import RefundReader


class Desk:
    """The process over a store in memory and the stand-in over HTTP."""

    def __init__(self, service: PaymentService) -> None:
        self.service, self.payments = service, HttpPayments(service.url)
        self.tools = {one.name: one.bind({"payments": self.payments}) for one in (find_order, create_refund)}
        self.store, process = MemoryStore(), RefundDraft()
        self.ledger = Ledger(self.store, process)
        self.inbox = Inbox(self.store, process, OutcomeWriter(wanted=False), tools=lambda: self.tools)
        self.executor = executor(self.ledger, (Tier(RefundReader(), 0.6),), process, self.tools)

    async def worked(self, **ticket: Any) -> TicketView:
        accepted = await self.ledger.accept(Ticket.model_validate(ticket), Limits(max_cost_nanodollars=None))
        return await self.again(accepted.id)

    async def again(self, ticket_id: str) -> TicketView:
        await self.executor.triage(ticket_id)
        return await self.inbox.views.ticket(ticket_id)


def played(story: Callable[[Desk], Awaitable[None]], trouble: Trouble = Trouble.NONE) -> None:
    async def play(service: PaymentService) -> None:
        desk = Desk(service)
        await story(desk)
        await desk.payments.aclose()

    left = [trouble]
    with PaymentService(trouble=lambda: left.pop() if left else Trouble.NONE) as service:
        asyncio.run(play(service))


def test_each_sample_ticket_comes_to_what_is_expected_of_it() -> None:
    async def story(desk: Desk) -> None:
        for row in TICKETS:
            view = await desk.worked(**row["ticket"])
            if view.call is not None:
                await desk.inbox.approve_call(view.id, "ann", view.version, view.call.digest)
                view = await desk.again(view.id)
                assert (view.state, (view.decision or {})["decided_by"]) == ("decided", "ann")
            assert (view.decision or {})["outcome"] == row["outcome"], view.id
        assert [(one.order, one.amount_cents) for one in desk.service.made.values()] == [
            ("A-1001", 3999),
            ("A-1003", 2500),
        ]

    played(story)


def test_people_see_what_would_be_paid_before_anything_is() -> None:
    async def story(desk: Desk) -> None:
        call = (await desk.worked(**TICKETS[2]["ticket"])).call
        assert call is not None
        assert call.does == "Pay 25.00 EUR of order A-1003 back"
        assert call.target.startswith("the payment API at 127.0.0.1:")
        assert (call.details["paid_back_before"], call.details["left_after_it"]) == ("20.00 EUR", "84.00 EUR")
        assert not desk.service.made
        view = await desk.inbox.edit_call("refund-3", "ann", None, call.digest, {**call.arguments, "amount_cents": 500})
        assert view.call is not None
        assert view.call.does == "Pay 5.00 EUR of order A-1003 back"
        with pytest.raises(ValueError, match="amount_cents"):
            await desk.inbox.edit_call("refund-3", "ann", None, view.call.digest, {**call.arguments, "amount_cents": 0})
        await desk.inbox.approve_call("refund-3", "ann", None, view.call.digest)
        view = await desk.again("refund-3")
        assert (view.decision or {})["amount_cents"] == 500
        assert [one.amount_cents for one in desk.service.made.values()] == [500]

    played(story)


def test_a_refusal_is_what_it_comes_to() -> None:
    async def story(desk: Desk) -> None:
        call = (await desk.worked(**TICKETS[0]["ticket"])).call
        assert call is not None
        await desk.inbox.reject_call("refund-1", "ann", None, call.digest, "it is no longer ours")
        view = await desk.again("refund-1")
        assert (view.state, (view.decision or {})["outcome"]) == ("suggested", "refused")
        assert not desk.service.made

    played(story)


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.DONE_AND_500, Trouble.LOST], ids=lambda one: one.name)
def test_a_receiver_in_trouble_pays_once(trouble: Trouble) -> None:
    async def story(desk: Desk) -> None:
        call = (await desk.worked(**TICKETS[0]["ticket"])).call
        assert call is not None
        await desk.inbox.approve_call("refund-1", "ann", None, call.digest)
        assert (await desk.again("refund-1")).state == "decided"
        assert list(desk.service.tries.values()) == [1 if trouble is Trouble.REFUSED else 2]
        assert len(desk.service.made) == 1

    played(story, trouble)


def test_somebody_elses_order_is_not_found() -> None:
    async def story(desk: Desk) -> None:
        view = await desk.worked(id="t", source="x", subject="", body="Refund A-1001", requester={"id": "c-9"})
        assert (view.decision or {})["outcome"] == "not_found"
        view = await desk.worked(id="u", source="x", subject="", body="I want my money back")
        assert (view.decision or {})["outcome"] == "incomplete"

    played(story)


def test_the_stand_in_is_honest_about_its_key() -> None:
    async def story(desk: Desk) -> None:
        paid = {"order_id": "A-1001", "reason": "broken"}
        first = await desk.payments.refund(key="k", amount_cents=100, **paid)
        assert await desk.payments.refund(key="k", amount_cents=100, **paid) == first
        for key, amount, said in (("k", 200, "422"), ("l", 9999, "409")):
            with pytest.raises(ToolError, match=said):
                await desk.payments.refund(key=key, amount_cents=amount, **paid)
        with pytest.raises(ToolError, match="knows no order"):
            await desk.payments.refund(key="m", order_id="Z-1", amount_cents=1, reason="late")

    played(story)


def test_the_package_brings_it_by_entry_points() -> None:
    assert installed.process("refund_draft") is REFUND_DRAFT
    assert installed.tool("create_refund") is create_refund
    assert set(REFUND_DRAFT.tools) == {"find_order", "create_refund"}


def test_a_person_decides_by_hand_and_no_order_is_invented() -> None:
    process, ticket = RefundDraft(), Ticket(source="x", subject="", body="Refund A-1001")
    by_hand = process.by_hand(ticket, None, RefundHand.model_validate(process.typed({"outcome": "refused"})), "ann")
    assert (by_hand["outcome"], by_hand["decided_by"], process.headline(by_hand)) == ("refused", "ann", "refused")
    said = {"outcome": "refunded", "order": "B-2002", "amount_cents": 1, "reason": "late", "refund": None}
    with pytest.raises(InvalidDecision, match="does not stand in the ticket"):
        process.read({**said, "confidence": 0.9}, ticket, "m", None, None)
