"""`deskhand autonomy labels`: what every kind of decision has earned, and what it still lacks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from worker.cli.context import run
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from worker.wiring import Parts


def show_kinds(*, json: bool) -> None:
    """One line for each kind with evidence of the versions in force."""
    from worker.cli.documents import moment

    rows, keyed_by = run(_rows)
    if json:
        dump({f"{keyed_by}s": [_document(row, keyed_by) for row in rows]})
        return
    if not rows:
        say(f"no {keyed_by} has evidence yet: people's decisions on suggestions are what counts")
        return
    numeric = frozenset({"people agreed", "repeats", "blind", "e-value", "needed"})
    columns = (keyed_by, "tier", "state", "people agreed", "repeats", "blind", "e-value", "needed", "since")
    table = Report(columns, title="Earned autonomy, by people's decisions", numeric=numeric)
    for row in rows:
        table.add(
            row["kind"],
            row["tier"],
            Cell(row["state"], "bold green" if row["state"] == "auto" else ""),
            f"{row['agreements']} of {row['n']}",
            row["repeats"] or "",
            f"{row['blind_agreements']} of {row['blind_n']}",
            f"{row['e_value']:.3g}",
            f"{row['e_needed']:.0f}",
            moment(row["since_ms"]) if row["since_ms"] else "",
        )
    show(table)


def _document(row: dict[str, Any], keyed_by: str) -> dict[str, Any]:
    from worker.cli.documents import moment

    named = {keyed_by if name == "kind" else name: value for name, value in row.items()}
    return {**named, "since": moment(row["since_ms"]) if row["since_ms"] else None}


async def _rows(parts: "Parts") -> tuple[list[dict[str, Any]], str]:
    keyed_by = parts.process.keyed_by
    if not await parts.standings.standings():
        return [], keyed_by  # before any model is loaded
    versions = {tier.model.name: tier.version for tier in parts.tiers}
    return [asdict(row) for row in await parts.standings.rows(versions)], keyed_by
