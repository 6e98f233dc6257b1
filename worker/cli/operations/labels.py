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
    versions = await _in_force(parts)
    return [asdict(row) for row in await parts.standings.rows(versions)], keyed_by


async def _in_force(parts: "Parts") -> dict[str, str]:
    """The version of each tier that the worker which started last runs; where none ever did, the one at hand."""
    from json import loads

    from fallbacks.store import keys

    kept = {name: loads(each)["version"] for name, each in (await parts.store.fields(keys.PROMISES)).items()}
    return kept or {tier.model.name: tier.version for tier in parts.tiers}


def show_alone(*, json: bool) -> None:
    """What was decided alone while each kind might be, for somebody to look at again."""
    from worker.cli.documents import moment

    rows = run(_alone)
    if json:
        dump([{**row, "from": moment(row["from"]), "to": row["to"] and moment(row["to"])} for row in rows])
        return
    if not rows:
        say("nothing was ever decided alone")
        return
    columns = ("kind", "tier", "from", "to", "decided alone", "the latest")
    table = Report(columns, title="Decided alone; `deskhand correct` changes one", numeric=frozenset({"decided alone"}))
    for row in rows:
        ended = moment(row["to"]) if row["to"] else "now"
        latest = ", ".join(row["tickets"][-3:])
        table.add(row["kind"], row["tier"], moment(row["from"]), ended, len(row["tickets"]), latest)
    show(table)


async def _alone(parts: "Parts") -> list[dict[str, Any]]:
    return [
        {
            "kind": period.key.kind,
            "tier": period.key.tier,
            "version": period.key.version,
            "from": period.from_ms,
            "to": period.to_ms,
            "tickets": list(await parts.watch.alone(period)),
        }
        for period in await parts.watch.periods()
    ]
