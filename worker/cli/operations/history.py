"""`deskhand history`: where ended tickets live."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Report, dump, progress, say, show

if TYPE_CHECKING:
    from worker.wiring import Parts

history = typer.Typer(
    help="Where ended tickets live: its months, and what moves them.", no_args_is_help=True, rich_markup_mode=None
)

MonthName = Annotated[str, typer.Argument(metavar="MONTH", help="Of acceptance, such as 2026-03.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(history, name="history", rich_help_panel="Operations")


@history.command()
def status(json: Json = False) -> None:
    """Which history it is, and what is in it, month by month."""
    found = run(_status)
    if json:
        dump(found)
        return
    table = Report(("month", "tickets", "of them cold"), numeric=frozenset({"tickets", "of them cold"}))
    for month in found["months"]:
        table.add(month["name"], month["tickets"], month["cold"])
    show(table)
    say(f"{found['url']} ({found['identity'][:8]}): {found['tickets']:,} tickets, ${found['spent_usd']:.2f} spent")


async def _status(parts: "Parts") -> dict[str, Any]:
    from dataclasses import asdict

    from worker.ops.doctor import masked_url

    totals, months = await parts.history.totals(), await parts.upkeep.months()
    return {
        "url": masked_url(url) if "://" in (url := parts.settings.history_url) else url,
        "identity": await parts.history.identity(),
        "tickets": totals.tickets,
        "spent_usd": totals.spent / 1e9,
        "months": [asdict(month) for month in months],
    }


@history.command(name="import")
def import_archives(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False)],
    json: Json = False,
) -> None:
    """Read archives of earlier releases (*.jsonl.gz) into history. Again changes nothing."""
    from fallbacks.history.importing import import_folder

    with progress("reading archives", None, quiet=json) as advance:
        read = run(
            lambda parts: import_folder(parts.history, parts.process, folder, lambda _, tickets: advance(tickets))
        )
    _said(json, "read", read, f"{read:,} tickets of {folder} are in history")


@history.command()
def cold(month: MonthName, json: Json = False) -> None:
    """Move the documents of a month to DESKHAND_COLD_URL. They are still found by id, person, label and time."""
    from fallbacks.history.upkeep import make_cold

    moved = run(lambda parts: make_cold(parts.history, parts.upkeep, parts.needed_cold(), month))
    _said(json, "moved", moved, f"{moved:,} documents of {month} are cold now")


@history.command()
def thaw(month: MonthName, json: Json = False) -> None:
    """Bring the documents of a month back."""
    from fallbacks.history.upkeep import thaw as brought_back

    came = run(lambda parts: brought_back(parts.history, parts.upkeep, parts.needed_cold(), parts.process, month))
    _said(json, "came", came, f"{came:,} documents of {month} are back")


def _said(json: bool, name: str, count: int, words: str) -> None:
    if json:
        dump({name: count})
    else:
        say(words)
