"""`deskhand labels`: where people's decisions say that the labels are wrong; and taking its autonomy from one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.autonomy.standing import Row
    from fallbacks.kinds.findings import Findings
    from worker.wiring import Parts

IDS = 3
"""Of a candidate, that are printed."""


def register(app: typer.Typer) -> None:
    """Add the group; bare, it shows what is found."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(labels)
    group.command()(revoke)
    app.add_typer(group, name="labels", rich_help_panel="Judgement")


def revoke(
    label: Annotated[str, typer.Argument(help="One that is decided alone: `deskhand autonomy labels` lists them.")],
    why: Annotated[str, typer.Option("--reason", help="Why; kept in the operator log.")],
    person: Person = None,
) -> None:
    """People decide this label from now on. It is earned again from nothing, by decisions from now on."""
    who = person_named(person)

    async def take(parts: "Parts") -> "Row | None":
        await parts.standings.revoke(label, who, why)
        return next((row for row in await parts.standings.rows() if row.kind == label), None)

    row = run(take)
    say(f"{label} is not decided alone from now on; what was decided alone stands, and can be corrected")
    if row is not None:
        say(f"it is earned again by decisions from now on: e-value {row.e_value:.2g} of {row.e_needed:.0f}")


def labels(ctx: typer.Context, json: Json = False) -> None:
    """Labels that are confused, labels that may be missing, and those that came more or less often this week.

    From the last 5,000 decisions and closes of people; the console's Labels screen shows the same.
    """
    if ctx.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    found, stands_by = run(_findings)
    if json:
        rests_on = [{"tier": tier, "rests_on": promise} for tier, promise in stands_by]
        dump({**asdict(found), "stands_by": rests_on})
        return
    if not found.ended:
        say("people have ended no ticket yet: their decisions and closes are what counts")
        return
    for tier, promise in stands_by:
        say(f"{tier}: {promise}")
    say(f"{found.unfitting} of {found.ended} tickets that people ended fit no label: they were closed, or decided so")
    show(_candidates(found), _confusions(found), _changes(found))
    if found.alone:
        say(f"not compared, since they are or were decided alone: {', '.join(found.alone)}")


def _candidates(found: "Findings") -> Report:
    columns = ("tickets", "in common", "like ones were given", "examples")
    table = Report(columns, title="May be missing: alike tickets that fit no label", numeric=frozenset({"tickets"}))
    for each in found.candidates:
        given = ", ".join(f"{kind} ({count})" for kind, count in each.given)
        table.add(len(each.tickets), each.title, given, ", ".join(each.tickets[:IDS]))
    return table


def _confusions(found: "Findings") -> Report:
    columns = ("suggested", "people decided", "tickets", "the other way", "suggested in all")
    table = Report(columns, title="Confused with each other", numeric=frozenset(columns[2:]))
    for each in found.confusions:
        table.add(each.suggested, each.decided, each.tickets, each.back or "", each.suggested_tickets)
    return table


def _changes(found: "Findings") -> Report:
    columns = ("label", "this week", "before", "p at most")
    table = Report(columns, title="More or less often this week; a false alarm in one look of twenty at most")
    for each in found.changes:
        now, before = (f"{part} of {whole}" for part, whole in ((each.now, each.of_now), (each.before, each.of_before)))
        table.add(
            each.kind or "no label fits", f"{'more' if each.more else 'less'}: {now}", before, f"{each.p_value:.2g}"
        )
    return table


async def _findings(parts: "Parts") -> "tuple[Findings, list[tuple[str, str]]]":
    from json import loads

    from fallbacks.kinds.findings import Finder
    from fallbacks.store import keys

    kept: dict[str, Any] = dict(await parts.store.fields(keys.PROMISES))
    stands_by = [(tier, str(loads(promise)["rests_on"])) for tier, promise in sorted(kept.items())]
    return await Finder(parts.examples).now(), stands_by
