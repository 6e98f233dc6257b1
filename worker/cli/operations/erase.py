"""`deskhand erase`: texts of a requester's tickets, or of one, go from every place there is, with a receipt."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from fallbacks.erasure.whom import Whom
    from fallbacks.history.receipts import Receipt


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(erase)


def erase(
    requester: Annotated[
        str | None, typer.Option("--requester", metavar="ID|EMAIL", help="Everything of this requester.")
    ] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="ID", help="One ticket.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what there is, and change nothing.")] = False,
    scrub: Annotated[
        bool, typer.Option(help="Write history's files anew at once; it holds its writers meanwhile.")
    ] = True,
    person: Person = None,
    json: Json = False,
) -> None:
    """Erase texts, whatever has not ended being cancelled first. Structure, money and what evidence counts by stay."""
    if (requester is None) == (ticket is None):
        raise typer.BadParameter("name --requester or --ticket, and not both")
    from fallbacks.erasure.whom import Whom

    whom, who = Whom(requester, ticket), person_named(person)
    receipt = run(lambda parts: parts.erasure.erase(whom, who, dry_run=dry_run, scrub=scrub))
    if json:
        dump(receipt.document() | {"erased": not dry_run})
    else:
        _print(receipt, whom, dry_run=dry_run)


def _print(receipt: "Receipt", whom: "Whom", *, dry_run: bool) -> None:
    table = Report(("place", "found", "erased"), numeric=frozenset({"found", "erased"}))
    for place, counts in receipt.places.items():
        table.add(place, counts["found"], counts["erased"])
    show(table)
    if dry_run:
        say("nothing was changed: this was a dry run")
        return
    say(f"receipt {receipt.id} of this {whom.kind}, by {receipt.by}, signed by {receipt.key}")
    complain("what no erasure reaches:", *(f"  {name}: {what}" for name, what in receipt.logs.items()))
