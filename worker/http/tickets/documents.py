"""Tickets, events and items as JSON: times are RFC 3339 in UTC, money is both dollars and nanodollars."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from fallbacks.ledger.calls import PendingCall
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.views import TicketView, Views
from tasks.conversation import read_message
from tasks.money import to_usd
from tasks.reasons import Reason
from tasks.run.checkpoint import fold
from tasks.run.events import MessageAdded, Recorded
from tasks.run.limits import Limits
from tasks.run.limits import Usage as RunUsage
from tasks.ticket import Attachment, Requester, Ticket

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def moment(at_ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe_moment(at_ms: int | None) -> str | None:
    """As `moment`, or None."""
    return None if at_ms is None else moment(at_ms)


class AcceptedDocument(BaseModel):
    """An accepted ticket. state: at its acceptance, so that a repeated request gets the same answer."""

    id: str
    state: State = State.QUEUED


class LimitsDocument(BaseModel):
    """What the run may use; null is unlimited."""

    max_steps: int | None
    max_tool_calls: int | None
    max_tokens: int | None
    max_cost_usd: float | None
    max_cost_nanodollars: int | None
    max_seconds: float | None


class UsageDocument(BaseModel):
    """What the run has used. reserved: held for a call in flight."""

    steps: int
    tool_calls: int
    tokens: int
    cost_usd: float
    cost_nanodollars: int
    reserved_usd: float
    reserved_nanodollars: int
    started_at: Moment | None


class MessageDocument(BaseModel):
    """One message of the conversation. other: who wrote it is not the requester. quiet: `automatic` or `thanks`: it
    changed nothing; "" where it was worked.
    """

    id: str
    body: str
    author: Requester | None
    other: bool
    received_at: Moment | None
    added_at: Moment
    door: str
    quiet: str
    attachments: list[Attachment]


class CallDocument(BaseModel):
    """A call of the agent that waits for a person. arguments: what it would be given. digest: what an approval names.

    target, does, details: a preview that its tool made. why: a person is asked. until: it may be approved before.
    edited_by: who changed the arguments.
    """

    tool: str
    arguments: dict[str, Any]
    digest: str
    target: str
    does: str
    details: dict[str, str]
    why: str
    proposed_at: Moment
    until: Moment
    edited_by: str | None


class TicketDocument(BaseModel):
    """One ticket. decision: what stands once the state is `decided`; until then what is suggested, if anything.
    earlier_decision: what stood before it was corrected, or stands while what was added since is worked. messages: what
    was added, in the order in which it came. last_message: the id of the one that the state follows from. call: of the
    agent, that waits for a person. assignee: whose it is while it waits; given_to: to which group a person gave it,
    such as `team:cards`.

    holder, held_until: who has the inbox item open. due_by: when a person should have looked. undo_until: a decision
    can be taken back before. delivery: of the outcome to the webhook. raw_base64: a message that could not be read.
    """

    id: str
    state: State
    version: int
    epoch: int
    source: str
    priority: str
    ticket: Ticket | None
    raw_base64: str | None
    decision: dict[str, Any] | None
    reason: Reason | Closed | None
    detail: str
    queue: str | None
    usage: UsageDocument
    limits: LimitsDocument
    workers_lost: int
    delivery: str
    holder: str | None
    accepted_at: Moment
    since: Moment
    due_by: Moment | None
    held_until: Moment | None
    snoozed_until: Moment | None
    undo_until: Moment | None
    earlier_decision: dict[str, Any] | None
    messages: list[MessageDocument]
    last_message: str | None
    call: CallDocument | None
    assignee: str | None
    given_to: str | None


class EventDocument(BaseModel):
    """One event of the journal. seq: its place, from 0. data: the fields of its type."""

    seq: int
    type: str
    at: Moment
    epoch: int
    data: dict[str, Any]


def ticket_document(view: TicketView, usage: RunUsage, timeline: Sequence[Recorded]) -> TicketDocument:
    """A view as JSON. timeline: its journal, where something was added."""
    return TicketDocument(
        id=view.id,
        state=view.state,
        version=view.version,
        epoch=view.epoch,
        source=view.source,
        priority=view.priority,
        ticket=view.ticket,
        raw_base64=view.raw,
        decision=view.decision,
        reason=view.closed or view.reason,
        detail=view.detail,
        queue=view.queue,
        usage=_usage(view, usage),
        limits=_limits(view.limits),
        workers_lost=view.losses,
        delivery=view.delivery,
        holder=view.holder,
        accepted_at=moment(view.accepted_ms),
        since=moment(view.since_ms),
        due_by=maybe_moment(view.due_by_ms),
        held_until=maybe_moment(view.held_until_ms),
        snoozed_until=maybe_moment(view.snoozed_until_ms),
        undo_until=maybe_moment(view.undo_until_ms),
        earlier_decision=view.earlier,
        messages=[_message(one, one.event) for one in timeline if isinstance(one.event, MessageAdded)],
        last_message=view.last_message,
        call=None if view.call is None else _call(view.call),
        assignee=view.assignee,
        given_to=view.given,
    )


async def read_ticket(views: Views, ticket_id: str) -> TicketDocument:
    """One ticket with its usage, which only the journal knows in full. Raises `UnknownTicket`."""
    view = await views.ticket(ticket_id)
    timeline = await views.timeline(ticket_id) if view.steps or view.messages else []
    return ticket_document(view, fold(timeline).usage if view.steps else RunUsage(), timeline)


def ticket_json(document: TicketDocument) -> str:
    """How every door writes a ticket. ASCII: no character of it can reach a terminal as a command."""
    return document.model_dump_json(ensure_ascii=True)


def event_document(recorded: Recorded) -> EventDocument:
    """An event as JSON; nanodollars gain dollars, and store times become moments."""
    data: dict[str, Any] = {}
    for name, value in asdict(recorded.event).items():
        if name.endswith("_ms") and isinstance(value, int):
            data[name.removesuffix("_ms")] = moment(value)
            continue
        data[name] = value
        if name.endswith("_nanodollars") and isinstance(value, int):
            data[name.removesuffix("_nanodollars") + "_usd"] = to_usd(value)
    return EventDocument(
        seq=recorded.seq, type=recorded.event.type, at=moment(recorded.at_ms), epoch=recorded.epoch, data=data
    )


def _call(call: PendingCall) -> CallDocument:
    return CallDocument(
        tool=call.tool,
        arguments=dict(call.arguments),
        digest=call.digest,
        target=call.target,
        does=call.does,
        details=dict(call.details),
        why=call.why,
        proposed_at=moment(call.proposed_ms),
        until=moment(call.until_ms),
        edited_by=call.edited_by or None,
    )


def _message(recorded: Recorded, event: MessageAdded) -> MessageDocument:
    message = read_message(event.message)
    return MessageDocument(
        id=message.id or "",
        body=message.body,
        author=message.author,
        other=message.other,
        received_at=None if message.received_at is None else moment(int(message.received_at.timestamp() * 1000)),
        added_at=moment(recorded.at_ms),
        door=event.door,
        quiet=event.quiet,
        attachments=list(message.attachments),
    )


def _usage(view: TicketView, usage: RunUsage) -> UsageDocument:
    return UsageDocument(
        steps=view.steps,
        tool_calls=usage.tool_calls,
        tokens=usage.tokens.total,
        cost_usd=to_usd(view.spent_nanodollars),
        cost_nanodollars=view.spent_nanodollars,
        reserved_usd=to_usd(view.reserved_nanodollars),
        reserved_nanodollars=view.reserved_nanodollars,
        started_at=maybe_moment(usage.started_ms),
    )


def _limits(limits: Limits) -> LimitsDocument:
    cap = limits.max_cost_nanodollars
    return LimitsDocument(
        max_steps=limits.max_steps,
        max_tool_calls=limits.max_tool_calls,
        max_tokens=limits.max_tokens,
        max_cost_usd=None if cap is None else to_usd(cap),
        max_cost_nanodollars=cap,
        max_seconds=limits.max_seconds,
    )
