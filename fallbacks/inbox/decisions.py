"""What a person's decision is made of, and what is kept beside it. Pure: values in, values out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fallbacks.ledger.ledger import SLA_SECONDS, item_facets
from fallbacks.ledger.move import At, In, InboxEntry, OutboxEntry
from fallbacks.ledger.views import TicketView
from fallbacks.plan import InboxQueue
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits, Usage
from tasks.ticket import Priority
from tasks.triage.decision import Decision
from tasks.triage.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class HandDecision:
    """A person's own words for a decision. priority None keeps the proposed one."""

    label: str
    priority: Priority | None = None
    summary: str | None = None
    rationale: str | None = None


def decided_by_hand(view: TicketView, taxonomy: Taxonomy, person: str, by_hand: HandDecision) -> Decision:
    """A person's choice as a decision; what they leave open is as proposed. Raises `ValueError`."""
    if view.ticket is None:
        raise ValueError(f"{view.id} could not be read as a ticket; repair or dismiss it")
    label = taxonomy.by_name.get(by_hand.label)
    if label is None:
        raise ValueError(f"label {by_hand.label!r} is not in the taxonomy")
    proposed = view.decision or {}
    return Decision(
        label=label.name,
        team=label.team,
        priority=by_hand.priority or Priority(proposed.get("priority", label.priority)),
        summary=by_hand.summary or proposed.get("summary") or view.ticket.text[:200],
        rationale=by_hand.rationale or f"Decided by {person}.",
        evidence=tuple(proposed.get("evidence", ())),
        confidence=1.0,
        decided_by=person,
        tier="person",
    )


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
            case ev.PersonActed(by=by, action="claim") if by == person and since is None:
                since = recorded.at_ms
    return since


def example_of(
    view: TicketView, action: str, person: str, decision: dict[str, Any], now_ms: int, effort: Effort
) -> str:
    """One labelled example: what a person decided, beside what was proposed.

    agent: what the agent chose before any person had a part in it, None after a hand-off; blind only where the person
    has chosen and not approved. at: store time.
    """
    agent = {**view.proposal, "blind": view.proposal["blind"] and action != "approve"} if view.proposal else None
    return json.dumps(
        {
            "id": view.id,
            "text": view.ticket.text[:4000] if view.ticket else "",
            "label": decision["label"],
            "team": decision["team"],
            "priority": decision["priority"],
            "by": person,
            "action": action,
            "proposed": (view.proposed or {}).get("label"),
            "tier": (view.proposed or {}).get("tier"),
            "reason": view.reason,
            "epoch": view.epoch,
            "agent": agent,
            "at": now_ms,
            "handled_seconds": effort.handled_seconds,
            "keystrokes": effort.keystrokes,
        },
        ensure_ascii=False,
    )


def way_back(view: TicketView, outbox: Sequence[OutboxEntry], example: str) -> str:
    """What an undo restores: the item as it was, without the outcome and the example of its decision."""
    before = {
        "decision": json.dumps(view.proposed, ensure_ascii=False) if view.proposed else None,
        "label": (view.proposed or {}).get("label"),
        "reason": view.reason,
        "detail": view.detail or None,
        "queue": view.queue,
    }
    kept = {
        "state": view.state.value,
        "set": {name: value for name, value in before.items() if value is not None},
        "unset": [name for name, value in before.items() if value is None],
        "inbox": entry_of(view, InboxQueue(view.queue or "review"), view.reason).to_values(),
        "outbox": [message.id for message in outbox],
        "example": example,
    }
    return json.dumps(kept, ensure_ascii=False)


def entry_of(view: TicketView, queue: InboxQueue, reason: Reason | None) -> InboxEntry:
    """An item that stays, or comes back by undo, is as urgent as it was: the requester waits all the while."""
    priority = Priority((view.decision or {}).get("priority", view.priority))
    look_by = In(SLA_SECONDS[priority] * 1000) if view.due_by_ms is None else At(view.due_by_ms)
    return InboxEntry(look_by, tuple(item_facets(queue, reason, view.decision)))


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
