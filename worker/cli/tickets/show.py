"""`deskhand show`: one ticket, so that a person knows in five seconds why the agent decided or failed."""

import base64
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, TicketId
from worker.cli.output import dump, dump_ticket, show

if TYPE_CHECKING:
    from fallbacks.inbox.explain import Explanation
    from fallbacks.inbox.narrate import Line
    from fallbacks.ledger.views import TicketView
    from tasks.run.checkpoint import Checkpoint
    from tasks.run.events import Recorded
    from tasks.run.process import Process
    from worker.wiring import Parts


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known about one ticket."""

    view: "TicketView"
    checkpoint: "Checkpoint"
    timeline: "list[Recorded]"
    card: "Explanation"
    lines: "tuple[Line, ...]"
    now_ms: int
    process: "Process"
    bounced_ms: int | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", rich_help_panel="Tickets")(show_ticket)


def show_ticket(
    ticket_id: TicketId,
    json: Json = False,
    events: Annotated[bool, typer.Option("--events", help="With --json: the cause and every event, too.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The stored journal, one JSON object a line.")] = False,
    original: Annotated[bool, typer.Option("--original", help="The mail it was read from, as it came.")] = False,
    message: Annotated[str, typer.Option("--message", help="With --original: of this message of it.")] = "",
) -> None:
    """Why a ticket is where it is: the cause, the limits used, the last steps, what to do next, then every event.

    With --json it is the document of `GET /v1/tickets/{id}`, byte for byte.
    """
    if raw:
        for stored in run(lambda parts: _journal(parts, ticket_id)):
            dump(stored)
        return
    if original:
        sys.stdout.buffer.write(run(lambda parts: _original(parts, ticket_id, message)))
        return
    if json and not events:
        from worker.http.tickets.documents import read_ticket

        dump_ticket(run(lambda parts: read_ticket(parts.views, ticket_id)))
        return
    story = run(lambda parts: read_story(parts, ticket_id))
    if json:
        dump(_document(story))
        return
    from fallbacks.inbox.said import messages_of
    from worker.cli.cards import (
        call_card,
        cause_card,
        commands,
        decision_card,
        message_card,
        ticket_card,
        timeline_table,
    )

    show(cause_card(story.card, story.view))
    show(ticket_card(story.view, unread(story.view), story.process, story.bounced_ms))
    for said in messages_of(story.timeline, story.view.ticket):
        show(message_card(said, story.view, story.process))
    if story.view.call:
        show(call_card(story.view.call))
    if story.view.decision:
        show(decision_card(story.view, story.process))
    show(timeline_table(story.lines))
    show(commands(story.card, story.view.id, story.process))


async def read_story(parts: "Parts", ticket_id: str) -> Story:
    """Read a ticket and explain it. Raises `UnknownTicket`."""
    from fallbacks.inbox.explain import explain, shown_events, shown_lines
    from tasks.run.checkpoint import fold

    view = await parts.views.ticket(ticket_id)
    timeline = await parts.views.timeline(ticket_id)
    now = await parts.store.now_ms()
    checkpoint = fold(timeline)
    card = explain(view, checkpoint, timeline, now, parts.process)
    lines = shown_lines(view, timeline, parts.process)
    return Story(
        view,
        checkpoint,
        shown_events(view, timeline),
        card,
        lines,
        now,
        parts.process,
        await parts.views.bounced(view.ticket),
    )


def unread(view: "TicketView") -> str:
    """The message behind a rejected ticket, as far as it is text."""
    return base64.b64decode(view.raw).decode("utf-8", errors="replace") if view.raw else ""


def _document(story: Story) -> dict[str, Any]:
    """The ticket as the API has it, with why it is where it is and what happened to it."""
    from worker.cli.documents import event_documents, explanation_document
    from worker.http.tickets.documents import ticket_document

    ticket = ticket_document(story.view, story.checkpoint.usage, story.timeline).model_dump(mode="json")
    events = event_documents(story.timeline, story.lines)
    return {**ticket, "explanation": explanation_document(story.card), "events": events}


async def _original(parts: "Parts", ticket_id: str, message_id: str) -> bytes:
    await parts.views.ticket(ticket_id)
    kept = await parts.views.original(ticket_id, message_id)
    if kept is None:
        of = f"message {message_id} of {ticket_id}" if message_id else ticket_id
        raise ValueError(f"{of} did not come as a mail: nothing else was kept of it")
    return kept


async def _journal(parts: "Parts", ticket_id: str) -> list[object]:
    import json

    await parts.views.ticket(ticket_id)  # an unknown id is a fault, not an empty journal
    return [json.loads(stored) for stored in await parts.views.journal(ticket_id)]
