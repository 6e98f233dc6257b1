"""Inbox items as lines of a table, and what is said after an action on one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from worker.cli.cards import age
from worker.cli.documents import span
from worker.cli.output import Report
from worker.cli.printable import one_line

if TYPE_CHECKING:
    from fallbacks.ledger.views import TicketView
    from tasks.run.process import Process

SUBJECT_CHARS = 48
SUGGESTION_CHARS = 28
"""A longer one would leave the ticket no room on a line."""

NAME_CHARS = 24
MOST_NAMES = 3


def items_table(items: "Sequence[TicketView]", now_ms: int, process: "Process") -> Report:
    """Waiting items, most urgent first."""
    held = any(view.holder for view in items)
    table = Report(
        ("id", "why", "suggestion", "waits", "due in", *(("held by",) if held else ()), "ticket"),
        numeric=frozenset({"waits", "due in"}),
        whole=frozenset({"why", "suggestion"}),
    )
    for view in items:
        due = None if view.due_by_ms is None else (view.due_by_ms - now_ms) / 1000
        asleep = " (snoozed)" if view.snoozed_until_ms else ""
        table.add(
            view.id,
            (view.reason.value if view.reason else "approval" if view.call else "suggestion") + asleep,
            suggestion(view, process),
            age(now_ms, view.since_ms),
            span(due),
            *((view.holder,) if held else ()),
            added(view) + attached(view) + one_line(subject(view), SUBJECT_CHARS),
        )
    return table


def suggestion(view: "TicketView", process: "Process") -> str:
    """`card_arrival 0.91`, the tool whose call waits, or nothing."""
    if view.call:
        return one_line(view.call.tool, SUGGESTION_CHARS)
    if not view.decision:
        return ""
    return f"{one_line(process.key(view.decision), SUGGESTION_CHARS)} {view.decision['confidence']:.2f}"


def subject(view: "TicketView") -> str:
    """What the ticket is about, in its own words."""
    if view.ticket is None:
        return view.detail
    return view.ticket.subject if view.ticket.subject.strip() else view.ticket.body


def added(view: "TicketView") -> str:
    """`[3 messages added] `, or nothing."""
    return f"[{view.messages} message{'' if view.messages == 1 else 's'} added] " if view.messages else ""


def attached(view: "TicketView") -> str:
    """`[bill.pdf, photo.jpg] `, or nothing."""
    names = [one_line(one.name, NAME_CHARS) for one in view.ticket.attachments] if view.ticket else []
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return f"[{', '.join((*names[:MOST_NAMES], *more))}] " if names else ""


def outcome_line(view: "TicketView", did: str, process: "Process") -> str:
    """What is so now: `tkt_1 approved: it is decided (version 5), card_arrival for cards`."""
    line = f"{view.id} {did}: it is {view.state.value} (version {view.version})"
    if view.decision and view.state.value == "decided":
        line += f", {process.headline(view.decision)}"
    if view.undo_until_ms:
        line += f"; for ten seconds: deskhand inbox undo {view.id}"
    return line
