"""`deskhand tickets`: which tickets are where, and why."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from worker.cli.context import run
from worker.cli.options import Json, seconds_of
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from fallbacks.operations.listing import Listing, Wanted
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Tickets")(tickets)


def tickets(
    state: Annotated[list[State] | None, typer.Option("--state", help="In this state; again for another.")] = None,
    reason: Annotated[Reason | None, typer.Option("--reason", help="Parked or handed off for this reason.")] = None,
    requester: Annotated[str | None, typer.Option("--requester", help="Id of who asks, or the address.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="The system it came from.")] = None,
    older: Annotated[
        str | None, typer.Option("--older", metavar="TIME", help="In its state for so long: 15m, 2h.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=5000, help="So many at most.")] = 50,
    skip: Annotated[int, typer.Option("--skip", min=0, help="Pass over so many of the index.")] = 0,
    ids: Annotated[bool, typer.Option("--ids", help="Ids alone, one a line: for `deskhand cancel -`.")] = False,
    json: Json = False,
) -> None:
    """Tickets in the store by state, reason, requester, source and age: longest in their state first; until when.

    Ended ones leave the store soon: `deskhand search` finds them, too. Read from the indexes. One call reads 5,000 rows
    at most and says where it stopped; --skip goes on from there.
    """
    from fallbacks.operations.listing import Wanted

    older_seconds = seconds_of(older) if older else 0.0
    wanted = Wanted(tuple(state or ()), reason, requester, source, older_seconds, limit, skip)
    found = run(lambda parts: _find(parts, wanted))
    if json:
        dump(_document(found))
    elif ids:
        say(*(ticket.id for ticket in found.tickets))
    else:
        _print(found)
    if not found.complete and not json:
        complain(f"looked at {found.looked_at} of {found.indexed}; go on with --skip {skip + found.looked_at}")


async def _find(parts: "Parts", wanted: "Wanted") -> "Listing":
    from fallbacks.operations.listing import find

    return await find(parts.store, wanted)


def _document(found: "Listing") -> dict[str, Any]:
    from dataclasses import asdict

    from worker.cli.documents import moment

    return {
        "tickets": [
            {
                **{name: value for name, value in asdict(ticket).items() if not name.endswith("_ms")},
                "accepted_at": moment(ticket.accepted_ms),
                "since": moment(ticket.since_ms),
                "until": moment(ticket.until_ms),
            }
            for ticket in found.tickets
        ],
        "looked_at": found.looked_at,
        "indexed": found.indexed,
        "complete": found.complete,
    }


def _print(found: "Listing") -> None:
    from worker.cli.documents import span

    columns = ("id", "state", "reason", "source", "requester", "priority", "since", "until", "detail")
    table = Report(columns, numeric=frozenset({"since", "until"}))
    for ticket in found.tickets:
        until = "" if ticket.until_ms is None else f"in {span((ticket.until_ms - found.now_ms) / 1000)}"
        table.add(
            ticket.id,
            ticket.state.value,
            ticket.reason,
            ticket.source,
            ticket.requester,
            ticket.priority,
            span((found.now_ms - ticket.since_ms) / 1000),
            until,
            ticket.detail[:60],
        )
    show(table)
