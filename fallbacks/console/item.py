"""One ticket as its page shows it: cause, text, proposal, what the run had looked up, timeline."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from fallbacks.console.deps import Desk
from fallbacks.console.digits import digit_labels
from fallbacks.inbox.explain import Explanation, StepSummary, explain, shown_lines, steps
from fallbacks.inbox.narrate import Line
from fallbacks.ledger.views import TicketView
from tasks.run import events as ev
from tasks.run.checkpoint import fold


@dataclass(frozen=True, slots=True)
class Change:
    """One field in which the standing decision differs from the proposed one."""

    field: str
    proposed: str
    decided: str


@dataclass(frozen=True, slots=True)
class Item:
    """Everything the template needs. next_seq: the first event the page does not have yet."""

    view: TicketView
    cause: Explanation
    lines: tuple[Line, ...]
    steps: tuple[StepSummary, ...]
    context: dict[str, Any]
    digits: tuple[str, ...]
    changes: tuple[Change, ...]
    raw: str
    next_seq: int


async def load_item(desk: Desk, view: TicketView) -> Item:
    """Read what belongs to a ticket that is at hand."""
    timeline = await desk.deps.views.timeline(view.id)
    checkpoint = fold(timeline)
    now = await desk.deps.store.now_ms()
    decided = (await desk.tally.counts()).decided
    return Item(
        view=view,
        cause=explain(view, checkpoint, timeline, now),
        lines=shown_lines(view, timeline),
        steps=() if view.blind else steps(timeline),
        context=_context(checkpoint.context),
        digits=digit_labels(desk.deps.taxonomy, view, checkpoint.context, decided),
        changes=_changes(timeline),
        raw=_raw(view.raw),
        next_seq=len(timeline),
    )


def _context(result: str | None) -> dict[str, Any]:
    """What was looked up, by part; a part that is not as expected is shown as it is."""
    try:
        parts = json.loads(result or "{}")
    except ValueError:
        return {"result": result}
    return parts if isinstance(parts, dict) else {"result": parts}


def _changes(timeline: list[ev.Recorded]) -> tuple[Change, ...]:
    """The diff of the last decision against the last proposal before it."""
    proposed: dict[str, Any] = {}
    decided: dict[str, Any] = {}
    for recorded in timeline:
        if isinstance(recorded.event, ev.DecisionSubmitted):
            proposed, decided = dict(recorded.event.decision or {}), {}
        elif isinstance(recorded.event, ev.Decided):
            decided = dict(recorded.event.decision or {})
    shown = ("label", "team", "priority", "summary", "rationale")
    return tuple(
        Change(name, str(proposed.get(name, "")), str(decided.get(name, "")))
        for name in shown
        if proposed and decided and proposed.get(name) != decided.get(name)
    )


def _raw(stored: str | None) -> str:
    """A message that could not be read, as text."""
    try:
        return base64.b64decode(stored or "").decode("utf-8", "backslashreplace")
    except binascii.Error:
        return stored or ""
