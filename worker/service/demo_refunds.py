"""The second process in the demo: three requests for a refund, of which one is approved, one has nothing left to pay,
and one waits for whoever looks. Worked in this process, by rules and against a stand-in for a payment API.
"""

import os
from dataclasses import dataclass

from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import TicketView
from tasks.ticket import Ticket
from worker.config.settings import Settings
from worker.sample.refunds.http_service import PaymentService
from worker.sample.refunds.orders import TICKETS
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

PROCESS, NAMESPACE, PERSON = "refund_draft", "refunds", "demo"


@dataclass(frozen=True, slots=True)
class Refunds:
    """lines: what became of each ticket, in words. paid: how often the payment API paid."""

    lines: tuple[str, ...]
    paid: int
    balanced: bool


async def show_refunds(settings: Settings, redis_url: str) -> Refunds:
    """Work the sample's three tickets, and approve the first call that waits."""
    with PaymentService() as payments:
        os.environ.update({f"DESKHAND_TOOL_{tool}_URL": payments.url for tool in ("FIND_ORDER", "CREATE_REFUND")})
        mine = {"process": PROCESS, "namespace": NAMESPACE, "model": "local", "models": None}
        chosen = settings.model_copy(update=mine)
        parts = Parts(chosen, sender_app(chosen, redis_url), redis_url)
        views = [await _worked(parts, Ticket.model_validate(row["ticket"])) for row in TICKETS]
        asked = next(view for view in views if view.call is not None)
        assert asked.call is not None  # noqa: S101 - just looked for
        await parts.inbox.approve_call(asked.id, PERSON, asked.version, asked.call.digest)
        await parts.executor.triage(asked.id)
        lines = [await _line(parts, view.id) for view in views]
        report = await audit(parts.store)
        await parts.store.aclose()
        return Refunds(tuple(lines), len(payments.made), report.balanced)


async def _worked(parts: Parts, ticket: Ticket) -> TicketView:
    accepted = await parts.ledger.accept(ticket, parts.settings.limits)
    await parts.executor.triage(accepted.id)
    return await parts.views.ticket(accepted.id)


async def _line(parts: Parts, ticket_id: str) -> str:
    view = await parts.views.ticket(ticket_id)
    if view.call is not None:
        return f"{ticket_id}: waits for a person: {view.call.does}"
    result = view.decision or {}
    said = f"{view.state.value}, {parts.process.headline(result)}"
    paid = f", approved by {result['decided_by']} and paid once as {result['refund']}" if result.get("refund") else ""
    return f"{ticket_id}: {said}{paid}"
