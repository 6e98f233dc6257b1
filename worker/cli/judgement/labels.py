"""`deskhand labels`: where people's decisions say that the labels are wrong."""

from typing import TYPE_CHECKING, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.kinds.findings import Findings
    from worker.wiring import Parts

IDS = 3
"""Of a candidate, that are printed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Judgement")(labels)


def labels(json: Json = False) -> None:
    """Labels that are confused, labels that may be missing, and those that came more or less often this week.

    From the last 5,000 decisions and closes of people; the console's Labels screen shows the same.
    """
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
        table.add(len(each.tickets), " ".join(each.words), given, ", ".join(each.tickets[:IDS]))
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
