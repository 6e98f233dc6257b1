"""`deskhand why`: what is unusual now against the last day, worst first, each with the command that acts on it."""

from typing import TYPE_CHECKING

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Cell, dump, say, show

if TYPE_CHECKING:
    from fallbacks.operations.finding import Finding
    from worker.wiring import Parts

_STYLES = {"error": "bold red", "warning": "yellow", "info": ""}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(why)


def why(json: Json = False) -> None:
    """What is unusual now against the last day, worst first, each with the command that shows it and the one that acts.

    Costs about a hundred operations of the store, however many tickets there are. The console's overview shows the same
    to operators.
    """
    from dataclasses import asdict

    found = run(_unusual)
    if json:
        dump([asdict(finding) for finding in found])
        return
    if not found:
        say("nothing is unusual")
        return
    for finding in found:
        show(Cell(f"{finding.severity.value.upper()} {finding.what}", _STYLES[finding.severity.value]))
        say(f"  see  {finding.see}", f"  act  {finding.act}", *([f"       {finding.advice}"] if finding.advice else []))


async def _unusual(parts: "Parts") -> "list[Finding]":
    import asyncio

    from fallbacks.operations.look import look
    from fallbacks.operations.unusual import unusual
    from worker.ops.redis_facts import facts_if_answering

    stats = await parts.views.stats()  # first: where the store is silent, nothing else is asked
    facts = await asyncio.to_thread(facts_if_answering, parts.redis_url)
    return unusual(await look(parts.views, parts.process, parts.terms, stats, facts.info if facts else None))
