"""What the sample's second process offers, by entry points: two tools and the process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ToolError
from tasks.run.approval import Ask, Preview
from tasks.run.process import ProcessDefinition
from tasks.run.tool import Effect, ToolContext, tool
from worker.sample.refunds.http_payments import HttpPayments
from worker.sample.refunds.ports import Payments
from worker.sample.refunds.process import OrderId, Reason, RefundDraft
from worker.sample.refunds.reader import RefundReader


class PaymentsSettings(BaseModel):
    """url: of the payment API; the stand-in's by default."""

    url: str = "http://127.0.0.1:8090"


def clients(settings: PaymentsSettings) -> Mapping[str, Any]:
    """The client that both tools need."""
    return {"payments": HttpPayments(settings.url)}


class OrderArguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Annotated[OrderId, Field(description="The order's number, as the ticket names it.")]


class RefundArguments(OrderArguments):
    """Who gets the money is the order's affair, and never the model's."""

    amount_cents: Annotated[int, Field(gt=0, le=10_000_000, description="What to pay back, in cents of a euro.")]
    reason: Annotated[Reason, Field(description="Why, of the known reasons.")]


@tool(timeout_seconds=5.0, calls_per_run=3, settings=PaymentsSettings, clients=clients)
async def find_order(arguments: OrderArguments, context: ToolContext, *, payments: Payments) -> dict[str, Any]:
    """Look up an order of the customer who sent this ticket: what was paid, and what can still be paid back."""
    order, requester = await payments.order(arguments.order), context.ticket.requester
    if order is None or requester is None or requester.id != order.customer:
        return {"known": False, "note": "this customer has no such order"}
    return {"known": True, "item": order.item, "paid_cents": order.paid_cents, "left_cents": order.left_cents}


async def preview(arguments: RefundArguments, context: ToolContext, *, payments: Payments) -> Preview:
    """What would be paid back, and what was before."""
    order, requester = await payments.order(arguments.order), context.ticket.requester
    if order is None:
        raise ToolError(f"there is no order {arguments.order}")
    ours = requester is not None and requester.id == order.customer
    return Preview(
        payments.where,
        f"Pay {euros(arguments.amount_cents)} of order {order.id} back",
        {
            "to": f"customer {order.customer}" + ("" if ours else ", who did not send this ticket"),
            "for": order.item,
            "paid": euros(order.paid_cents),
            "paid_back_before": euros(order.refunded_cents),
            "left_after_it": euros(order.left_cents - arguments.amount_cents),
        },
    )


@tool(
    timeout_seconds=6.0,
    calls_per_run=3,
    effect=Effect.KEYED,
    settings=PaymentsSettings,
    clients=clients,
    approval=Ask.ALWAYS,
    preview=preview,
    ends=True,
)
async def create_refund(arguments: RefundArguments, context: ToolContext, *, payments: Payments) -> dict[str, str]:
    """Pay back what an order cost, or a part of it. A person approves each call; its answer may be a refusal."""
    made = await payments.refund(
        key=context.idempotency_key,
        order_id=arguments.order,
        amount_cents=arguments.amount_cents,
        reason=arguments.reason,
    )
    return {"refund": made}


def euros(cents: int) -> str:
    """`39.99 EUR`."""
    return f"{cents // 100}.{cents % 100:02d} EUR"


REFUND_DRAFT = ProcessDefinition(
    kind=RefundDraft,
    make=lambda _settings: RefundDraft(),
    cards=Path(__file__).parent / "cards",
    tools=("find_order", "create_refund"),
    local=RefundReader,
)
