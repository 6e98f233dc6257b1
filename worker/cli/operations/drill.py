"""`deskhand drill`: the failure plan, rehearsed."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import end_in_order_when_terminated
from worker.cli.options import Json
from worker.cli.output import Cell, Report, complain, dump, progress, say, show

if TYPE_CHECKING:
    from worker.drill.report import Row


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(drill)


def drill(
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="One scenario; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Rehearse the failure plan in about two minutes: own store, own workers, own model; nothing live is touched.

    Ends with a report of what was lost, doubled or over a cap, and exit status 1 where a promise was broken.
    """
    from worker.drill.campaign import chosen, drill

    scenarios = chosen(only or [])
    home = Path(tempfile.mkdtemp(prefix="deskhand-drill-"))
    kept = False
    end_in_order_when_terminated()
    began = monotonic()
    try:
        with progress("scenarios", len(scenarios), quiet=json) as advance:
            rows = asyncio.run(drill(scenarios, home, advance))
        kept = all(row.kept for row in rows)
    finally:
        if kept:
            shutil.rmtree(home, ignore_errors=True)
        else:
            complain(f"the store and logs of the drill are in {home}")
    if json:
        passed = round(monotonic() - began, 1)
        dump({"kept": kept, "seconds": passed, "scenarios": [row.document() for row in rows]})
    else:
        _print(rows, monotonic() - began)
    if not kept:
        raise typer.Exit(1)


def _print(rows: "list[Row]", passed: float) -> None:
    """passed: seconds; scenarios overlap, so that theirs do not add up to it."""
    from tasks.money import format_usd

    columns = ("scenario", "tickets", "ended", "lost", "doubled", "over cap", "to people for", "after", "alerts", "")
    numbers = frozenset(columns[1:6]) | {"after", "alerts"}
    table = Report(columns, title="The drill: real workers, a real store, a simulated model", numeric=numbers)
    for row in rows:
        table.add(
            row.scenario,
            row.tickets,
            row.ended,
            *(Cell(count, "bold red" if count else "") for count in (row.lost, row.doubled, row.over_cap)),
            ", ".join(f"{count} {reason}" for reason, count in row.handed_off.items()) or "-",
            "" if row.hand_off_seconds is None else f"{row.hand_off_seconds:g} s",
            f"{row.alerts_told}/{row.alerts_raised}",
            Cell("kept", "green") if row.kept else Cell("BROKEN", "bold red"),
        )
    show(table)
    totals = {name: sum(getattr(row, name) for row in rows) for name in ("tickets", "lost", "doubled", "over_cap")}
    cost = sum(row.spent_nanodollars for row in rows)
    say(
        f"{totals['tickets']} tickets: {totals['lost']} lost, {totals['doubled']} doubled, {totals['over_cap']} over a "
        f"cap; {sum(row.worker_losses for row in rows)} leases lost and taken over; "
        f"{format_usd(cost)} of simulated calls; {passed:.0f} s",
        *(f"BROKEN {row.scenario}: {what}" for row in rows for what in row.broken),
    )
