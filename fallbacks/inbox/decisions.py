"""What a person's decision is made of, and what is kept beside it. Pure: values in, values out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from fallbacks.ledger.acts import Act
from fallbacks.ledger.ledger import SLA_SECONDS
from fallbacks.ledger.move import At, In, InboxEntry, OutboxEntry
from fallbacks.ledger.results import item_facets, result_fields, result_names
from fallbacks.ledger.views import TicketView
from fallbacks.plan import InboxQueue
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits, Usage
from tasks.run.process import Process, Result
from tasks.ticket import Priority


def read_hand(process: Process, given: Mapping[str, str]) -> BaseModel:
    """What a person gave, by field, as the process takes it; "" leaves a field open. Raises `ValueError` in words."""
    try:
        return process.hand.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        places = (".".join(map(str, fault["loc"])) for fault in faults)
        raise ValueError(
            "; ".join(f"{place}: {fault['msg']}" for place, fault in zip(places, faults, strict=True))
        ) from None


def decided_by_hand(view: TicketView, process: Process, person: str, given: BaseModel) -> dict[str, Any]:
    """A person's own decision; what they leave open is as suggested. Raises `ValueError`."""
    if view.ticket is None:
        raise ValueError(f"{view.id} could not be read as a ticket; repair or dismiss it")
    return process.by_hand(view.ticket, view.decision, given, person)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a decision took. handled_seconds: since its person held the item; keystrokes: None outside the console."""

    handled_seconds: float | None = None
    keystrokes: int | None = None


def held_since_ms(timeline: Sequence[ev.Recorded], person: str) -> int | None:
    """When this person first held the item as it waits now; None where they never did."""
    since: int | None = None
    for recorded in timeline:
        match recorded.event:
            case ev.Suggested() | ev.HandedOff() | ev.Rejected():
                since = None
            case ev.PersonActed(by=by, action=Act.CLAIM) if by == person and since is None:
                since = recorded.at_ms
    return since


def example_of(
    view: TicketView, process: Process, act: Act, person: str, decision: Result, now_ms: int, effort: Effort
) -> str:
    """One example: what a person decided, beside what was suggested.

    proposed: the suggestion's key. agent: what the agent suggested before any person had a part in it, None after a
    hand-off; blind only where the person has decided and not approved. at: store time.
    """
    suggested = view.result
    agent = {**view.unaided, "blind": view.unaided["blind"] and act is not Act.APPROVE} if view.unaided else None
    return json.dumps(
        {
            "id": view.id,
            "text": view.ticket.text[:4000] if view.ticket else "",
            **process.facets(decision),
            "priority": decision["priority"],
            "by": person,
            "action": act,
            "proposed": process.key(suggested) if suggested else None,
            "tier": suggested["tier"] if suggested else None,
            "reason": view.reason,
            "epoch": view.epoch,
            "agent": agent,
            "at": now_ms,
            "handled_seconds": effort.handled_seconds,
            "keystrokes": effort.keystrokes,
        },
        ensure_ascii=False,
    )


def way_back(view: TicketView, process: Process, outbox: Sequence[OutboxEntry], example: str) -> str:
    """What an undo restores: the item as it was, without the outcome and the example of its decision."""
    suggested = result_fields(process, view.result) if view.result else dict.fromkeys(result_names(process))
    before = {**suggested, "reason": view.reason, "detail": view.detail or None, "queue": view.queue}
    kept = {
        "state": view.state.value,
        "set": {name: value for name, value in before.items() if value is not None},
        "unset": [name for name, value in before.items() if value is None],
        "inbox": entry_of(view, process, InboxQueue(view.queue or "review"), view.reason).to_values(),
        "outbox": [message.id for message in outbox],
        "example": example,
    }
    return json.dumps(kept, ensure_ascii=False)


def entry_of(view: TicketView, process: Process, queue: InboxQueue, reason: Reason | None) -> InboxEntry:
    """An item that stays, or comes back by undo, is as urgent as it was: the requester waits all the while."""
    priority = Priority((view.decision or {}).get("priority", view.priority))
    look_by = In(SLA_SECONDS[priority] * 1000) if view.due_by_ms is None else At(view.due_by_ms)
    return InboxEntry(look_by, tuple(item_facets(process, queue, reason, view.decision)))


def on_top(fresh: Limits, used: Usage, spent_nanodollars: int) -> Limits:
    """Fresh limits for a run that has used some already; its time begins anew."""
    return replace(
        fresh,
        max_steps=_more(fresh.max_steps, used.steps),
        max_tool_calls=_more(fresh.max_tool_calls, used.tool_calls),
        max_tokens=_more(fresh.max_tokens, used.tokens.total),
        max_cost_nanodollars=_more(fresh.max_cost_nanodollars, spent_nanodollars),
    )


def _more(fresh: int | None, used: int) -> int | None:
    return None if fresh is None else fresh + used
