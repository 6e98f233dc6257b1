"""The prefetch: everything the usual ticket needs, in one call before the first model step."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.errors import ToolError
from tasks.run.tool import ToolContext, tool
from tasks.ticket import Ticket
from tasks.tools._views import article_view, clip, customer_view, ticket_view
from tasks.tools.ports import CustomerDirectory, KnowledgeBase, TicketHistory

RECENT = 3
SIMILAR = 4
ARTICLES = 3
PART_SECONDS = 2.5
"""Each part's own bound: a slow directory must not cost the parts that answered."""


class NoArguments(BaseModel):
    """Nothing to choose: the ticket's envelope says whose context it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@tool(timeout_seconds=4.0, calls_per_run=1, offered=False)
async def ticket_context(
    arguments: NoArguments,  # noqa: ARG001 - the tool shape
    context: ToolContext,
    *,
    customers: CustomerDirectory,
    history: TicketHistory,
    knowledge: KnowledgeBase,
) -> dict[str, Any]:
    """The customer, their recent tickets, similar decided tickets and knowledge; a part that fails says so."""
    ticket = context.ticket
    names = ("customer", "recent_tickets", "similar_tickets", "knowledge")
    parts = await asyncio.gather(
        _part(_customer(ticket, customers)),
        _part(_recent(ticket, history)),
        _part(_similar(ticket, history)),
        _part(_knowledge(ticket, knowledge)),
    )
    return {name: part for name, part in zip(names, parts, strict=True) if part}


async def _part(work: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(PART_SECONDS):
            return await work
    except TimeoutError:
        return {"unavailable": "no answer in time"}
    except ToolError as error:
        return {"unavailable": clip(str(error), 120)}
    except Exception as error:  # a part's edge: one broken client must not cost the ticket the other parts
        return {"unavailable": type(error).__name__}


def _requester_id(ticket: Ticket) -> str | None:
    return ticket.requester.id if ticket.requester else None


async def _customer(ticket: Ticket, customers: CustomerDirectory) -> dict[str, Any] | None:
    customer_id = _requester_id(ticket)
    customer = await customers.get(customer_id) if customer_id else None
    return customer_view(customer) if customer else None


async def _recent(ticket: Ticket, history: TicketHistory) -> list[dict[str, str]]:
    customer_id = _requester_id(ticket)
    found = await history.recent(customer_id, RECENT + 1) if customer_id else []
    return [ticket_view(past) for past in found if past.id != ticket.id][:RECENT]


async def _similar(ticket: Ticket, history: TicketHistory) -> list[dict[str, str]]:
    found = await history.similar(ticket.text, SIMILAR + 1)
    return [ticket_view(past) for past in found if past.id != ticket.id][:SIMILAR]


async def _knowledge(ticket: Ticket, knowledge: KnowledgeBase) -> list[dict[str, str]]:
    found = await knowledge.search(ticket.text, ARTICLES)
    return [article_view(article) for article in found[:ARTICLES]]
