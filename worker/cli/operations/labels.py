"""`deskhand autonomy labels`: what every label has earned, and what it still lacks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from worker.cli.context import run
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from worker.wiring import Parts


def show_labels(*, json: bool) -> None:
    """One line for each label with evidence of the versions in force."""
    from worker.cli.documents import moment

    rows = run(_rows)
    if json:
        dump({"labels": [{**row, "since": moment(row["since_ms"]) if row["since_ms"] else None} for row in rows]})
        return
    if not rows:
        say("no label has evidence yet: people's decisions on suggestions are what counts")
        return
    numeric = frozenset({"people agreed", "repeats", "blind", "e-value", "needed"})
    columns = ("label", "tier", "state", "people agreed", "repeats", "blind", "e-value", "needed", "since")
    table = Report(columns, title="Earned autonomy, by people's decisions", numeric=numeric)
    for row in rows:
        table.add(
            row["label"],
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


async def _rows(parts: "Parts") -> list[dict[str, Any]]:
    if not await parts.standings.standings():
        return []  # before any model is loaded
    versions = {tier.model.name: tier.version for tier in parts.tiers}
    return [asdict(row) for row in await parts.standings.rows(versions)]
