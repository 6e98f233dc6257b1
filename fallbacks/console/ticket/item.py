"""One ticket as its page shows it: cause, text, suggestion, what the run had looked up, timeline."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fallbacks.console.deps import Desk
from fallbacks.inbox.explain import Explanation, StepSummary, explain, shown_lines, steps
from fallbacks.inbox.narrate import Line
from fallbacks.inbox.said import Said, messages_of, parted
from fallbacks.ledger.states import INBOX
from fallbacks.ledger.views import TicketView
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.process import Choice, Process, Result
from tasks.ticket import Attachment


@dataclass(frozen=True, slots=True)
class Change:
    """One field in which the standing decision differs from the suggestion."""

    field: str
    suggested: str
    decided: str


@dataclass(frozen=True, slots=True)
class Item:
    """Everything the template needs. likely: behind the digits. quotes: words of the ticket that speak for its result.
    texts: the places of attachments whose text can be read. bounced_ms: when the last mail
    to its requester came back. next_seq: the first event the page does not have yet. said: what was added to the
    ticket, oldest first; first: its own words and what they quote; attached: its own files by their places;
    originals: ids of messages whose mails are kept. outdated: what the agent suggested does not know of all of them.
    """

    view: TicketView
    cause: Explanation
    lines: tuple[Line, ...]
    steps: tuple[StepSummary, ...]
    context: dict[str, Any]
    likely: tuple[Choice, ...]
    quotes: tuple[str, ...]
    changes: tuple[Change, ...]
    raw: str
    texts: frozenset[int]
    bounced_ms: int | None
    next_seq: int
    said: tuple[Said, ...]
    first: tuple[tuple[str, bool], ...]
    attached: tuple[tuple[int, Attachment], ...]
    originals: frozenset[str]
    outdated: bool


async def load_item(desk: Desk, view: TicketView) -> Item:
    """Read what belongs to a ticket that is at hand."""
    timeline = await desk.deps.views.timeline(view.id)
    checkpoint, process = fold(timeline), desk.deps.process
    now = await desk.deps.store.now_ms()
    decided = (await desk.tally.now()).decided
    said = messages_of(timeline, view.ticket)
    views = desk.deps.views
    return Item(
        view=view,
        cause=explain(view, checkpoint, timeline, now, process),
        lines=shown_lines(view, timeline, process),
        steps=() if view.blind else steps(timeline, process),
        context=_context(checkpoint.context),
        likely=process.likely(view.ticket, view.decision, checkpoint.context, decided),
        quotes=tuple(process.quotes(view.decision)) if view.decision else (),
        changes=_changes(timeline, process),
        raw=_raw(view.raw),
        texts=frozenset(await views.attachment_texts(view.id)) if _has_files(view, said) else frozenset(),
        bounced_ms=await views.bounced(view.ticket),
        next_seq=len(timeline),
        said=said,
        first=parted(view.ticket.body) if view.ticket else (),
        attached=tuple(enumerate(view.ticket.attachments, 1)) if view.ticket else (),
        originals=await views.originals(view.id) if said else frozenset(),
        outdated=view.state in INBOX and _outdated(timeline),
    )


def _has_files(view: TicketView, said: Sequence[Said]) -> bool:
    return bool(view.ticket and view.ticket.attachments) or any(one.attached for one in said)


def _outdated(timeline: Sequence[ev.Recorded]) -> bool:
    suggested_at = added_at = 0
    for at, recorded in enumerate(timeline):
        match recorded.event:
            case ev.DecisionSubmitted():
                suggested_at = at
            case ev.MessageAdded(quiet=""):
                added_at = at
    return added_at > suggested_at > 0


def _context(result: str | None) -> dict[str, Any]:
    """What was looked up, by part; a part that is not as expected is shown as it is."""
    try:
        parts = json.loads(result or "{}")
    except ValueError:
        return {"result": result}
    return parts if isinstance(parts, dict) else {"result": parts}


def _changes(timeline: list[ev.Recorded], process: Process) -> tuple[Change, ...]:
    """The diff of the last decision against the last suggestion before it."""
    suggested: Result | None = None
    decided: Result | None = None
    stood: tuple[Result | None, Result | None] = (None, None)
    for recorded in timeline:
        match recorded.event:
            case ev.DecisionSubmitted(decision=offered):
                suggested, decided = offered, None
            case ev.Decided(decision=result):
                decided = result
                stood = suggested, decided
            case ev.Upheld():
                suggested, decided = stood
    if not suggested or not decided:
        return ()
    before, after = process.shown(suggested), process.shown(decided)
    return tuple(Change(name, before.get(name, ""), now) for name, now in after.items() if before.get(name, "") != now)


def _raw(stored: str | None) -> str:
    """A message that could not be read, as text."""
    try:
        return base64.b64decode(stored or "").decode("utf-8", "backslashreplace")
    except binascii.Error:
        return stored or ""
