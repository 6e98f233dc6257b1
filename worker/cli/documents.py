"""Tickets as JSON documents and as words: what `--json` prints, and the times and amounts people read."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.money import to_usd

if TYPE_CHECKING:
    from fallbacks.inbox.explain import Explanation
    from fallbacks.inbox.narrate import Line
    from fallbacks.ledger.views import TicketView
    from tasks.run.events import Recorded

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"))


def moment(at_ms: int | None) -> str | None:
    """RFC 3339 in UTC, with milliseconds."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float | None) -> str:
    """`4s`, `12m`, `3h`, `2d`: as coarse as people want it."""
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def ticket_document(view: "TicketView") -> dict[str, Any]:
    """One ticket with everything that is known about it but its journal."""
    limits = asdict(view.limits)
    cap = limits.pop("max_cost_nanodollars")
    return {
        "id": view.id,
        "state": view.state.value,
        "version": view.version,
        "epoch": view.epoch,
        "source": view.source,
        "priority": view.priority,
        "ticket": view.ticket.model_dump(mode="json", exclude_none=True) if view.ticket else None,
        "raw_base64": view.raw,
        "decision": view.decision,
        "reason": view.reason.value if view.reason else None,
        "detail": view.detail,
        "queue": view.queue,
        "limits": {**limits, "max_cost_usd": None if cap is None else to_usd(cap)},
        "usage": {
            "steps": view.steps,
            "cost_usd": to_usd(view.spent_nanodollars),
            "reserved_usd": to_usd(view.reserved_nanodollars),
        },
        "workers_lost": view.losses,
        "delivery": view.delivery,
        "holder": view.holder,
        "accepted_at": moment(view.accepted_ms),
        "since": moment(view.since_ms),
        "due_by": moment(view.due_by_ms),
        "held_until": moment(view.held_until_ms),
        "snoozed_until": moment(view.snoozed_until_ms),
        "undo_until": moment(view.undo_until_ms),
    }


def explanation_document(card: "Explanation") -> dict[str, Any]:
    """The cause card."""
    steps = []
    for step in card.last_steps:
        fields = asdict(step)
        steps.append({**fields, "cost_usd": to_usd(fields.pop("cost_nanodollars"))})
    return {**asdict(card), "usage": {used.name: [used.used, used.limit] for used in card.usage}, "last_steps": steps}


def event_documents(timeline: "Sequence[Recorded]", lines: "Sequence[Line]") -> list[dict[str, Any]]:
    """Every event in words, with its stored fields under `data`."""
    documents = []
    for recorded, line in zip(timeline, lines, strict=True):
        cost = line.cost_nanodollars
        documents.append(
            {
                "seq": line.seq,
                "at": moment(line.at_ms),
                "epoch": line.epoch,
                "type": line.kind,
                "text": line.text,
                "detail": line.detail,
                "tokens_in": line.tokens_in,
                "tokens_out": line.tokens_out,
                "cost_usd": None if cost is None else to_usd(cost),
                "seconds": line.seconds,
                "data": asdict(recorded.event),
            }
        )
    return documents
