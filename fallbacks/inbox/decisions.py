"""What a person's decision is made of, and what is kept beside it. Pure: values in, values out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from fallbacks.inbox.faults import in_words
from fallbacks.inbox.ownership import owned
from fallbacks.ledger.acts import Act
from fallbacks.ledger.move import At, In, InboxEntry, OutboxEntry
from fallbacks.ledger.results import item_facets, result_fields, result_names
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.targets import SLA_SECONDS
from fallbacks.ledger.views import TicketView
from fallbacks.plan import InboxQueue
from tasks.conversation import Added, conversation, read_message
from tasks.language import _
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits, Usage
from tasks.run.process import Process, Result
from tasks.ticket import Priority

ADDED_SINCE = "something was added to the ticket since"
"""Why a decision is corrected that nobody found wrong when it was made."""

AGENT = "agent"
"""Who decided, where nobody did."""


def read_hand(process: Process, given: Mapping[str, str]) -> BaseModel:
    """What a person gave, by field, as the process takes it; "" leaves a field open. Raises `ValueError` in words."""
    try:
        return process.hand.model_validate(process.typed(given))
    except ValidationError as error:
        raise ValueError(in_words(error.errors(include_url=False, include_input=False))) from None


def decided_by_hand(view: TicketView, process: Process, person: str, given: BaseModel) -> dict[str, Any]:
    """A person's own decision; what they leave open is as suggested. Raises `ValueError`."""
    if view.ticket is None:
        raise ValueError(_("%(ticket)s could not be read as a ticket; repair or dismiss it", ticket=view.id))
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
            **process.extras(decision),
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


def example_of_close(
    view: TicketView, process: Process, kind: Closed, person: str, now_ms: int, effort: Effort
) -> str | None:
    """What a close says: no kind fits, and the agent would have decided what needed no decision. None where it says
    nothing: a duplicate may well be decided as suggested, and what could not be read has no words. agent: None where
    it had made no suggestion of its own.
    """
    if kind is Closed.DUPLICATE or view.ticket is None:
        return None
    suggested = view.result
    return json.dumps(
        {
            "id": view.id,
            "text": view.ticket.text[:4000],
            "by": person,
            "action": Act.CLOSE,
            "closed": kind,
            "proposed": process.key(suggested) if suggested else None,
            "tier": suggested["tier"] if suggested else None,
            "epoch": view.epoch,
            "agent": view.unaided,
            "at": now_ms,
            "handled_seconds": effort.handled_seconds,
            "keystrokes": None,
        },
        ensure_ascii=False,
    )


def correction_of(view: TicketView, process: Process, person: str, decision: Result, now_ms: int) -> str:
    """The example of a correction. earlier: the facets and extras of a person's decision whose example this one
    replaces; None where the agent had decided alone, and no example says so.
    """
    before = view.decision or {}
    of_person = before.get("decided_by") != AGENT
    example = example_of(view, process, Act.CORRECT, person, decision, now_ms, Effort())
    earlier = _acted_on(process, before) if of_person else None
    judged = {} if earlier is None else {"proposed": None}  # who decided it before has judged the suggestion already
    return json.dumps({**json.loads(example), **judged, "earlier": earlier}, ensure_ascii=False)


def with_messages(view: TicketView, timeline: Sequence[ev.Recorded]) -> TicketView:
    """The view, its ticket with what was added to it."""
    added = [
        Added(read_message(one.event.message), one.event.quiet, one.at_ms)
        for one in timeline
        if isinstance(one.event, ev.MessageAdded)
    ]
    return replace(view, ticket=conversation(view.ticket, added)) if view.ticket and added else view


def caused_by(view: TicketView) -> dict[str, str]:
    """The message that an outcome follows from, where there is one."""
    return {} if view.last_message is None else {"message": view.last_message}


def with_reason(given: BaseModel, why: str) -> BaseModel:
    """What was given, with why as its rationale, where the process has one and none was given."""
    if "rationale" in type(given).model_fields and getattr(given, "rationale", None) is None:
        return given.model_copy(update={"rationale": why})
    return given


def stands(process: Process, before: Result, now: Result) -> bool:
    """Whether two decisions are one to whoever acts upon them."""
    return _acted_on(process, before) == _acted_on(process, now) and before["priority"] == now["priority"]


def upheld(process: Process, before: Result, now: Result) -> bool:
    """Whether what the agent came to leaves the decision before as it is: the same, and no more urgent."""
    ranks = list(Priority)
    rank = [ranks.index(Priority(result["priority"])) for result in (before, now)]
    return _acted_on(process, before) == _acted_on(process, now) and rank[1] <= rank[0]


def _acted_on(process: Process, result: Result) -> dict[str, Any]:
    return {**process.facets(result), **process.extras(result)}


def way_back(
    view: TicketView,
    process: Process,
    person: str,
    left_to: State,
    outbox: Sequence[OutboxEntry],
    example: str | None,
    row: Mapping[str, str],
) -> str:
    """What an undo restores: the item as it was, without the outcome and the example of what ended it. row: before."""
    suggested = result_fields(process, view.result) if view.result else dict.fromkeys(result_names(process))
    before = {**suggested, "reason": view.reason, "detail": view.detail or None, "queue": view.queue}
    before |= {name: row.get(name) for name in ("standing", "earlier", "delivery", "call")}
    kept = {
        "by": person,
        "left_to": left_to.value,
        "state": view.state.value,
        "set": {name: value for name, value in before.items() if value is not None},
        "unset": [name for name, value in before.items() if value is None],
        "inbox": entry_of(view, process, InboxQueue(view.queue or "review"), view.reason).to_values(),
        "outbox": [message.id for message in outbox],
        "example": example,
    }
    return json.dumps(kept, ensure_ascii=False)


def way_back_to_decision(
    row: Mapping[str, str], process: Process, person: str, outbox: Sequence[OutboxEntry], example: str
) -> str:
    """What the undo of a correction restores: the decision before it, and what is known of its delivery."""
    names = (*result_names(process), "earlier", "delivery")
    kept = {
        "by": person,
        "left_to": State.DECIDED.value,
        "state": State.DECIDED.value,
        "set": {name: row[name] for name in names if name in row},
        "unset": [name for name in names if name not in row],
        "inbox": None,
        "outbox": [message.id for message in outbox],
        "example": example,
    }
    return json.dumps(kept, ensure_ascii=False)


def entry_of(view: TicketView, process: Process, queue: InboxQueue, reason: Reason | None) -> InboxEntry:
    """An item that stays, or comes back by undo, is as urgent as it was: the requester waits all the while."""
    priority = Priority((view.decision or {}).get("priority", view.priority))
    look_by = In(SLA_SECONDS[priority] * 1000) if view.due_by_ms is None else At(view.due_by_ms)
    return InboxEntry(look_by, owned(process, view, item_facets(process, queue, reason, view.decision)))


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
