"""`deskhand search`: tickets that are here and tickets that have ended, by words, people, labels, states and time."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.ledger.states import State
from worker.cli.context import run
from worker.cli.faults import CommandFailed
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, say, show
from worker.cli.people.by_process import TakesFacets, given

if TYPE_CHECKING:
    from worker.http.tickets.search import FoundDocument, FoundPage
    from worker.wiring import Parts

PATIENCE_SECONDS = 120.0
"""This process ends with its answer: what it reads of the store, it reads once."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Tickets", cls=TakesFacets)(search)


def search(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="All of them; `refund*` begins so.")
    ] = None,
    state: Annotated[list[State] | None, typer.Option(help="In this state; again for another.")] = None,
    requester: Annotated[str | None, typer.Option(help="Id of who asks, or the address.")] = None,
    source: Annotated[str | None, typer.Option(help="The system it came from.")] = None,
    reason: Annotated[str | None, typer.Option(help="Parked, handed off or closed for it.")] = None,
    decided_by: Annotated[str | None, typer.Option(help="`agent`, or the person.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Accepted then or later: 2026-11-30.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Accepted until the end of that day.")] = None,
    ended_since: Annotated[str | None, typer.Option(metavar="DAY", help="Ended then or later.")] = None,
    corrected: Annotated[bool, typer.Option("--corrected", help="Whose decision was corrected.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on where a page ended.")] = None,
    ids: Annotated[bool, typer.Option("--ids", help="Ids alone, one a line.")] = False,
    json: Json = False,
) -> None:
    """Tickets by words of theirs or of who asks, those that have ended too, newest first. Without words, by the rest.

    Days are UTC's. `deskhand tickets` lists what is in work or waits, by how long.
    """
    asked = {
        "q": " ".join(words or ()),
        "state": [each.value for each in state or ()],
        "requester": requester,
        "source": source,
        "reason": reason,
        "decided_by": decided_by,
        "since": since,
        "until": until,
        "ended_since": ended_since,
        "corrected": corrected or None,
        "limit": limit,
        "cursor": cursor,
        **given(ctx),
    }
    page = run(lambda parts: _page(parts, asked))
    if json:
        dump(page.model_dump(mode="json"))
        return
    if ids:
        say(*(ticket.id for ticket in page.tickets))
    else:
        _print(page.tickets)
    if page.next:
        complain(f"there are more; go on with --cursor {page.next}")


async def _page(parts: "Parts", asked: dict[str, Any]) -> "FoundPage":
    from pydantic import ValidationError

    from worker.http.problems import Problem
    from worker.http.tickets.search import page_of, query_of

    parts.search.patience_seconds = PATIENCE_SECONDS
    try:
        query = query_of(parts.process).model_validate(asked)
        wanted = query.wanted(parts.process, None)
        if wanted.states:
            parts.search.live.only(wanted.states)
        return await page_of(parts.search, wanted)
    except ValidationError as error:
        faults = [f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()]
        raise CommandFailed(*dict.fromkeys(faults)) from None
    except Problem as problem:
        raise CommandFailed(problem.detail) from None


def _print(tickets: "list[FoundDocument]") -> None:
    table = Report(("id", "state", "came", "requester", "decision", "by", "text"))
    for ticket in tickets:
        who = ticket.requester
        table.add(
            ticket.id,
            ticket.state.value + (f": {ticket.reason}" if ticket.reason else ""),
            f"{ticket.accepted_at:.16}".replace("T", " "),
            (who.name or who.email or who.id) if who else "",
            ", ".join(ticket.facets.values()) + (" (corrected)" if ticket.corrected else ""),
            ticket.decided_by,
            f"{ticket.subject} {ticket.excerpt}".strip()[:100],
        )
    if tickets:
        show(table)
    else:
        say("no ticket matches")
