"""Alerting a team at once, for the ticket that cannot wait. The one tool that changes something outside."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tasks.run.tool import Effect, ToolContext, tool
from tasks.tools.ports import TeamNotifier


class NotifyArguments(BaseModel):
    """What the team should know. Who is alerted is the deployment's choice and never the model's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urgency: Annotated[Literal["now", "today"], Field(description="How soon somebody must look.")]
    note: Annotated[
        str,
        StringConstraints(min_length=1, max_length=280, strip_whitespace=True),
        Field(description="One plain sentence for colleagues: what happened and what is at stake."),
    ]


@tool(timeout_seconds=6.0, calls_per_run=1, calls_per_minute=60, effect=Effect.KEYED)
async def notify_team(arguments: NotifyArguments, context: ToolContext, *, notifier: TeamNotifier) -> dict[str, str]:
    """Alert the duty team about this ticket. Only for danger in delay, such as fraud going on. Then decide as usual."""
    alerted = await notifier.notify(
        key=context.idempotency_key,
        ticket_id=context.ticket.id or "",
        urgency=arguments.urgency,
        note=arguments.note,
    )
    return {"notified": alerted}
