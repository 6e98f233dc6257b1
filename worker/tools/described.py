"""A description as a tool: the model's arguments, those of the ticket's envelope, one call, and what may be shown."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from tasks.run.tool import Effect, ToolContext, ToolDefinition
from tasks.ticket import Ticket
from worker.config.described import Described
from worker.tools.shown import clipped, shown


class Service(Protocol):
    async def call(self, given: Mapping[str, Any], key: str) -> Any:
        """The answer as JSON values, None for nothing found. Raises `ToolError`, and `TimeoutError`."""
        ...


def definition(name: str, described: Described, connect: Callable[[Described], Service]) -> ToolDefinition:
    """The tool. connect: makes what its calls go through, when it is first bound."""
    tool = described.tool

    async def call(arguments: BaseModel, context: ToolContext, *, service: Service) -> dict[str, Any]:
        bound = {parameter: envelope(context.ticket, source) for parameter, source in tool.bound.items()}
        if absent := sorted(tool.bound[parameter] for parameter, value in bound.items() if not value):
            return {"known": False, "note": f"the ticket has no {absent[0]}"}
        chosen = arguments.model_dump(mode="json", exclude_none=True)
        answer = await service.call(chosen | bound, context.idempotency_key)
        if answer is None and tool.effect is Effect.NONE:
            return {"known": False}
        return {"known": True, "answer": shown(answer, tool.shows) if tool.shows else clipped(answer)}

    call.__name__ = name
    call.__doc__ = tool.about
    return ToolDefinition(
        function=call,
        arguments=described.arguments,
        clients=("service",),
        timeout_seconds=tool.timeout_seconds,
        calls_per_run=tool.calls_per_run,
        calls_per_minute=tool.calls_per_minute,
        effect=tool.effect,
        approval=tool.approval,
        offered=True,
        of_ticket=True,  # whoever writes into that service writes to the model: it is screened as a ticket is
        make_clients=lambda _: {"service": connect(described)},
    )


def envelope(ticket: Ticket, source: str) -> str:
    """What the ticket's envelope says; "" for nothing."""
    owner, _, field = source.partition(".")
    holder = ticket if owner == "ticket" else ticket.requester
    return str(getattr(holder, field, None) or "")
