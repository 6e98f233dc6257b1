"""`deskhand cancel`: withdraw one ticket, or those whose ids stand on standard input."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import complain, dump, dump_ticket, say

if TYPE_CHECKING:
    from worker.http.tickets.documents import TicketDocument
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Tickets")(cancel)


def cancel(
    ticket_id: Annotated[str, typer.Argument(metavar="ID|-", help="The ticket; - reads ids from standard input.")],
    person: Person = None,
    json: Json = False,
) -> None:
    """Withdraw a ticket that has not ended; its worker stops at its next write."""
    who = person_named(person)
    if ticket_id == "-":
        _cancel_all(sys.stdin.read().split(), who, json=json)
        return
    document = run(lambda parts: _withdrawn(parts, ticket_id, who))
    dump_ticket(document) if json else say(f"{document.id} is {document.state.value}")


async def _withdrawn(parts: "Parts", ticket_id: str, who: str) -> "TicketDocument":
    from worker.http.tickets.documents import read_ticket

    await parts.inbox.cancel(ticket_id, who)
    return await read_ticket(parts.views, ticket_id)


def _cancel_all(ids: list[str], who: str, *, json: bool) -> None:
    done, refused = run(lambda parts: _all_withdrawn(parts, ids, who))
    if json:
        dump({"cancelled": done, "refused": [{"id": ticket_id, "why": why} for ticket_id, why in refused]})
    else:
        say(f"{len(done)} tickets are cancelled")
        complain(*(f"{ticket_id}: {why}" for ticket_id, why in refused))
    if refused:
        raise typer.Exit(1)


async def _all_withdrawn(parts: "Parts", ids: list[str], who: str) -> tuple[list[str], list[tuple[str, str]]]:
    from fallbacks.errors import Stale, UnknownTicket

    done, refused = list[str](), list[tuple[str, str]]()
    for ticket_id in ids:
        try:
            await parts.inbox.cancel(ticket_id, who)
            done.append(ticket_id)
        except (Stale, UnknownTicket, ValueError) as error:
            refused.append((ticket_id, str(error)))
    return done, refused
