"""Decided tickets like this one, or like words the model chooses."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tasks.run.tool import ToolContext, tool
from tasks.tools._views import ticket_view
from tasks.tools.ports import TicketHistory

RESULTS = 5


class SimilarArguments(BaseModel):
    """What they should be like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[
        str,
        StringConstraints(max_length=500),
        Field(description="Words to compare with; empty compares with this ticket."),
    ] = ""


@tool(timeout_seconds=2.0, calls_per_run=3)
async def find_similar_tickets(
    arguments: SimilarArguments, context: ToolContext, *, history: TicketHistory
) -> list[dict[str, Any]]:
    """Find earlier tickets that people or the agent have decided, with their label and team. Most alike first."""
    found = await history.similar(arguments.text.strip() or context.ticket.text, RESULTS + 1)
    return [ticket_view(ticket) for ticket in found if ticket.id != context.ticket.id][:RESULTS]
