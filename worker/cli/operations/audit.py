"""`deskhand audit`: does the ledger balance?"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.operations.audit_verify import check_history, print_public_key, verify_file
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from fallbacks.ledger.sums.audit import AuditReport
    from worker.wiring import Parts

_MONEY = frozenset({"spent", "reserved", "archived_spent", "history_spent"})
_IN_WORDS = {
    "alerts_told": "alerts sent",
    "archived": "left the store",
    "archived_spent_usd": "left the store spent usd",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(audit)


def audit(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is certainly ours, and look again.")] = False,
    verify: Annotated[
        Path | None, typer.Option("--verify", metavar="FILE", help="Check a file of `deskhand export --audit` instead.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="KEY", help="With --verify or --chain: a public key (dhp_...) that may have signed it."
        ),
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Hold every ticket of history against the chain written with it instead.")
    ] = False,
    public_key: Annotated[bool, typer.Option("--public-key", help="Print this deployment's public key.")] = False,
    json: Json = False,
) -> None:
    """Prove from the ledger that no ticket is lost, no cap exceeded, no amount open and no effect happened twice."""
    if public_key:
        print_public_key(json=json)
        return
    if chain:
        check_history(key or [], json=json)
        return
    if verify is not None:
        verify_file(verify, key or [], json=json)
        return
    report = run(_repaired if repair else _audit)
    totals = _totals(report)
    if json:
        problems = [{"id": ticket_id or None, "what": what} for ticket_id, what in report.problems]
        dump({"balanced": report.balanced, **totals, "problems": problems})
    else:
        table = Report(("of the ledger", "value"), numeric=frozenset({"value"}))
        for name, value in totals.items():
            if isinstance(value, dict):
                for part, count in value.items():
                    table.add(f"{name}: {part}", count)
            else:
                table.add(_IN_WORDS.get(name, name.replace("_", " ")), value)
        show(table)
        say("balanced" if report.balanced else f"NOT balanced: {len(report.problems)} problems")
        complain(*(f"{ticket_id or 'ledger'}: {what}" for ticket_id, what in report.problems))
    if not report.balanced:
        raise typer.Exit(1)


def _totals(report: "AuditReport") -> dict[str, Any]:
    """Its figures, with money in dollars."""
    from tasks.money import to_usd

    totals: dict[str, Any] = {}
    for name, value in asdict(report).items():
        if name in _MONEY:
            totals[f"{name}_usd"] = to_usd(value)
        elif name not in ("problems", "leaked"):
            totals[name] = value
    return totals


async def _audit(parts: "Parts") -> "AuditReport":
    from fallbacks.ledger.sums.audit import audit as examine

    return await examine(parts.store, parts.history)


async def _repaired(parts: "Parts") -> "AuditReport":
    from fallbacks.ledger.sums.audit import repair
    from tasks.money import format_usd

    report = await _audit(parts)
    mended = await repair(parts.store, report)
    complain(
        *(f"day {day}: reserved {format_usd(before)} -> {format_usd(after)}" for day, (before, after) in mended.items())
    )
    return await _audit(parts) if mended else report
