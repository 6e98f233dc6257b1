"""One call of a tool as the agent makes it, by a person."""

from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from tasks.run.tool import Effect, Tool, ToolContext
from tasks.run.tool_calls import ToolResult, attempt, invalid
from tasks.ticket import Ticket


async def called(tool: Tool, ticket: Ticket, given: Any, *, effects: bool) -> ToolResult:
    """Its result. An effect is refused unless `effects`, and then has a key that no run has."""
    try:
        arguments = tool.arguments.model_validate(given)
    except ValidationError as error:
        return invalid(error)
    if tool.effect is Effect.NONE:
        return await attempt(tool, arguments, ToolContext(ticket), None)
    if not effects:
        raise ValueError(f"{tool.name} changes something outside: --effects lets it")
    return await attempt(tool, arguments, ToolContext(ticket, f"{ticket.id}:try:{uuid4().hex}"), None)
