"""`deskhand report`: what ended, who decided it, how well, how fast and at what cost; or your own SQL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.operations.report import By
from worker.cli.context import run
from worker.cli.operations.report_files import as_csv, as_parquet
from worker.cli.options import Json, seconds_of
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.operations.report import Span
    from worker.wiring import Parts

Rows = list[dict[str, Any]]

SHORT = {"by_people": "people", "agreement": "agreed", "usd_per_ticket": "usd each", "corrected": "mended"}
"""Columns that are shorter on a screen."""

EVER = 253_402_300_799_999
"""The end of the year 9999, in ms."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(report)


def report(
    by: Annotated[By | None, typer.Option("--by", help="One table by this, instead of all.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="A date, or so long ago: 2026-11-01, 30d.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before it; likewise.")] = None,
    sql: Annotated[str | None, typer.Option("--sql", metavar="SELECT", help="Your own query, read-only.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="One table, for spreadsheets: by day, --by, or --sql.")] = False,
    parquet: Annotated[Path | None, typer.Option("--parquet", metavar="FILE", help="The same, to a file.")] = None,
    json: Json = False,
) -> None:
    """Answer what leads ask of ended tickets, from history: arrivals and ends, decisions and agreement, corrections,
    time, cost, hand-offs, and what the agent did alone. Views and columns for --sql: docker/HISTORY.md.
    """
    whole = sql is None and by is None and not csv and parquet is None
    if whole:
        found = run(lambda parts: _all(parts, since, until))
        dump(found) if json else _print_all(found)
        return
    rows = run(lambda parts: _queried(parts, sql) if sql else _one(parts, since, until, by or By.DAY))
    if parquet is not None:
        as_parquet(rows, parquet)
        say(f"{len(rows)} rows in {parquet}")
    elif csv:
        as_csv(rows)
    elif json:
        dump(rows)
    else:
        _print(rows)


async def _one(parts: "Parts", since: str | None, until: str | None, by: By) -> Rows:
    from fallbacks.operations.report import rows_by

    rows = await rows_by(parts.history, parts.process, await _span(parts, since, until), by)
    return [row.values() for row in rows]


async def _all(parts: "Parts", since: str | None, until: str | None) -> dict[str, Any]:
    from dataclasses import asdict

    from fallbacks.operations import report as asked

    history, span = parts.history, await _span(parts, since, until)
    tables = {
        f"by_{by.value}": [row.values() for row in await asked.rows_by(history, parts.process, span, by)]
        for by in (By.DAY, By.LABEL, By.PERSON)
    }
    return {
        **tables,
        "handed_off": [{"reason": reason, "tickets": count} for reason, count in await asked.reasons(history, span)],
        "costs": [
            {"tier": tier, "tickets": tickets, "calls": calls, "usd": usd}
            for tier, tickets, calls, usd in await asked.costs(history, span)
        ],
        "minutes_to_decision": asdict(await asked.times(history, span)),
    }


async def _queried(parts: "Parts", sql: str) -> Rows:
    columns, rows = await parts.history.query(sql, {})
    return [dict(zip(columns, row, strict=True)) for row in rows]


async def _span(parts: "Parts", since: str | None, until: str | None) -> "Span":
    from fallbacks.operations.report import Span

    now = await parts.store.now_ms() if since or until else 0
    return Span(_moment(since, now) if since else 0, _moment(until, now) if until else EVER)


def _moment(given: str, now_ms: int) -> int:
    """Ms of a date, or of so long ago. Raises ValueError."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return now_ms - int(seconds_of(given) * 1000)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _print_all(found: dict[str, Any]) -> None:
    if not found["by_day"]:
        say("nothing has ended in that time, or what has ended has not left for history yet")
        return
    for name in ("by_day", "by_label", "by_person", "handed_off", "costs"):
        if found[name]:
            _print(found[name])
    half, most, nearly = found["minutes_to_decision"].values()
    if half is not None:
        say(f"until a decision stood: half within {half} min, 9 in 10 within {most} min, 99 in 100 within {nearly} min")


def _print(rows: Rows) -> None:
    if not rows:
        say("no rows")
        return
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    heads = {name: SHORT.get(name, name.replace("_", " ")) for name in columns}
    numeric = frozenset(heads[name] for name in columns if isinstance(rows[0][name], int | float))
    table = Report([*heads.values()], numeric=numeric)
    for row in rows:
        table.add(*(_shown(name, row[name]) for name in columns))
    show(table)


def _shown(name: str, value: object) -> object:
    if isinstance(value, float):
        return f"{value:.1%}" if name == "agreement" else f"{value:.4f}" if name.startswith("usd") else f"{value:.1f}"
    return value
