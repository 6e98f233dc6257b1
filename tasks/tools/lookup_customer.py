"""The customer record. Whose it is comes from the ticket's envelope, which no text can change."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.run.tool import ToolContext, tool
from tasks.tools._views import customer_view
from tasks.tools.ports import CustomerDirectory


class NoArguments(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@tool(timeout_seconds=3.0, calls_per_run=2)
async def lookup_customer(
    arguments: NoArguments,  # noqa: ARG001 - the tool shape
    context: ToolContext,
    *,
    customers: CustomerDirectory,
) -> dict[str, Any]:
    """Look up the customer who sent this ticket: tier, country, customer since, and flags such as an open dispute."""
    requester = context.ticket.requester
    if requester is None or requester.id is None:
        return {"known": False, "note": "the ticket names no customer id"}
    customer = await customers.get(requester.id)
    if customer is None:
        return {"known": False, "note": "the directory does not know this customer"}
    return {"known": True, **customer_view(customer)}
