"""`deskhand inbox`: what waits for people. Bare, it lists."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from worker.cli.context import run, session
from worker.cli.faults import CommandFailed
from worker.cli.options import Json, Person, person_named
from worker.cli.output import dump, dump_ticket, say, show
from worker.cli.people import inbox_actions, inbox_calls, many
from worker.cli.people.by_process import TakesFacets, facet, given
from worker.cli.people.reaching import reach_named

if TYPE_CHECKING:
    from fallbacks.inbox.holds import Page
    from tasks.run.process import Process
    from worker.http.tickets.documents import TicketDocument
    from worker.wiring import Parts

InQueue = Annotated[str | None, typer.Option("--queue", help="Only this inbox queue, e.g. limits.")]
ForReason = Annotated[str | None, typer.Option("--reason", help="Only this reason, e.g. low_confidence.")]

ForTeams = Annotated[
    str | None,
    typer.Option("--teams", metavar="A,B", help="Only items of these teams, and of none. Default: those of --as."),
]


class ListsByDefault(TyperGroup):
    """`deskhand inbox --reason cost_limit` means `deskhand inbox list --reason cost_limit`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args[:1] and (args[0] in self.commands or args[0] in ("-h", "--help") or not args[0].startswith("-"))
        return super().parse_args(ctx, args if named else ["list", *args])


inbox = typer.Typer(
    cls=ListsByDefault, help="What waits for a person: list, next, act on one, or work through it by keyboard."
)


def register(app: typer.Typer) -> None:
    """Add the group and the short names `decide` and `resume`."""
    app.add_typer(inbox, name="inbox", rich_help_panel="People")
    inbox_actions.register(inbox, app)
    inbox_calls.register(inbox)
    many.register(inbox)


@inbox.command("list", cls=TakesFacets)
def list_items(
    ctx: typer.Context,
    queue: InQueue = None,
    reason: ForReason = None,
    teams: ForTeams = None,
    person: Person = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """What waits, most urgent first."""
    wanted = {"queue": queue, "reason": reason, **given(ctx)}
    facets = [facet(name, value) for name, value in wanted.items() if value is not None]
    if json:
        dump(run(lambda parts: _page_document(parts, facets, limit, person, teams)))
        return
    page, now, process = run(lambda parts: _page(parts, facets, limit, person, teams))
    if not page.items:
        say("nothing waits" + (" that matches" if facets else ""))
        return
    from worker.cli.people.items import items_table

    show(items_table(page.items, now, process))
    if page.total > len(page.items):
        say(f"{len(page.items)} of {page.total}; --limit shows more")


@inbox.command("next")
def next_item(
    queue: InQueue = None,
    reason: ForReason = None,
    teams: ForTeams = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Take the most urgent item that nobody holds; it is yours for five minutes."""
    who, chosen = person_named(person), _one_facet(queue, reason)
    document = run(lambda parts: _next(parts, who, chosen, teams))
    if json:
        dump_ticket(document)
    elif document is None:
        say("nothing waits that nobody holds")
    else:
        from worker.cli.tickets.show import show_ticket

        show_ticket(document.id)


@inbox.command()
def work(queue: InQueue = None, reason: ForReason = None, teams: ForTeams = None, person: Person = None) -> None:
    """Work through what waits by keyboard: one item after the other, most urgent first."""
    who, chosen = person_named(person), _one_facet(queue, reason)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailed("inbox work needs a terminal; in scripts use `inbox next --json` and `inbox approve ID`")
    from worker.cli.people.drain import Drain
    from worker.cli.people.keyboard import Keyboard

    with session() as opened, Keyboard() as keys:
        unseen = opened.run(reach_named(opened.parts, who, teams)).unseen
        Drain(opened, keys, who, chosen, unseen).go()


def _one_facet(queue: str | None, reason: str | None) -> str | None:
    if queue and reason:
        raise typer.BadParameter("choose one of --queue and --reason")
    return facet("queue", queue) if queue else facet("reason", reason) if reason else None


async def _page(
    parts: "Parts", facets: list[str], limit: int, person: str | None, teams: str | None
) -> "tuple[Page, int, Process]":
    from fallbacks.inbox.wanted import Wanted

    reach = await reach_named(parts, person or "", teams)
    page = await parts.inbox.find(reach.narrowed(Wanted(tuple(facets))), 0, limit)
    return page, await parts.store.now_ms(), parts.process


async def _page_document(
    parts: "Parts", facets: list[str], limit: int, person: str | None, teams: str | None
) -> dict[str, Any]:
    from worker.http.tickets.documents import read_ticket

    page, _, _ = await _page(parts, facets, limit, person, teams)
    documents = [await read_ticket(parts.views, view.id) for view in page.items]
    return {"items": [document.model_dump(mode="json") for document in documents], "total": page.total}


async def _next(parts: "Parts", who: str, chosen: str | None, teams: str | None) -> "TicketDocument | None":
    from worker.http.tickets.documents import read_ticket

    unseen = (await reach_named(parts, who, teams)).unseen
    view = await parts.inbox.next(who, chosen, unseen=unseen)
    return None if view is None else await read_ticket(parts.views, view.id)
