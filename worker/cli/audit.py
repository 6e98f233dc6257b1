"""`deskhand audit`: do the books balance?"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from fallbacks.audit import AuditReport
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(audit)


def audit(json: Json = False) -> None:
    """Prove from the books that no ticket is lost, no amount is open and no effect happened twice."""
    report = run(_audit)
    totals = {name: value for name, value in asdict(report).items() if name not in ("problems", "balanced")}
    if json:
        problems = [{"id": ticket_id or None, "what": what} for ticket_id, what in report.problems]
        dump({"balanced": report.balanced, **totals, "problems": problems})
    else:
        table = Report(("of the books", "value"), numeric=frozenset({"value"}))
        for name, value in totals.items():
            table.add(name.replace("_", " "), value)
        show(table)
        say("balanced" if report.balanced else f"NOT balanced: {len(report.problems)} problems")
        complain(*(f"{ticket_id or 'books'}: {what}" for ticket_id, what in report.problems))
    if not report.balanced:
        raise typer.Exit(1)


async def _audit(parts: "Parts") -> "AuditReport":
    from fallbacks.audit import audit as examine

    return await examine(parts.store)
